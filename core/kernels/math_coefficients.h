#pragma once

// Made by scripts/make_coefficients.py: minimax polynomials, coefficients lowest first.

#include <array>
#include <cstdint>

namespace bb::kernels {

template <class T>
struct Coefficients;

template <>
struct Coefficients<float> {
  // expm1(r) = r + r^2 P(r), |r| <= ln(2) / 2; off by 3.1e-9
  static constexpr std::array<float, 5> kExpm1{0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f4p-5f,
                                               0x1.123a6ap-7f, 0x1.6a2368p-10f};
  // log((1 + s) / (1 - s)) = 2 s + s z P(z), z = s^2, s <= (sqrt2 - 1) / (sqrt2 + 1); off
  // by 8.1e-10
  static constexpr std::array<float, 3> kLog{0x1.55557ap-1f, 0x1.995ebap-2f, 0x1.31e2f8p-2f};
  // tanh(x) = x + x z P(z), z = x^2, |x| <= 0.6; off by 2.6e-9
  static constexpr std::array<float, 5> kTanh{-0x1.55553ep-2f, 0x1.1109dcp-3f, -0x1.b89efcp-5f,
                                              0x1.54e0bap-6f, -0x1.830ddp-8f};
  // erf(x) = x + x P(z), z = x^2, |x| <= 1; off by 1.2e-9
  static constexpr std::array<float, 7> kErf{0x1.06eba8p-3f,  -0x1.81273ep-2f, 0x1.ce2d2p-4f,
                                             -0x1.b7fbb8p-6f, 0x1.541a0cp-8f,  -0x1.a48676p-11f,
                                             0x1.4ae61p-14f};
  // erfc(a) = exp(-a^2) P(t) / (a + c), t = (a - c) / (a + c), c = kErfCentre,
  // 0 <= a <= kErfLargest; off by 4.1e-8
  static constexpr std::array<float, 9> kErfTail{0x1.10ad1ep0f,   -0x1.b2126ep-1f, 0x1.0d9e2p-1f,
                                                 -0x1.ef8878p-3f, 0x1.2176dp-4f,   -0x1.2cf892p-8f,
                                                 -0x1.7ea512p-8f, 0x1.9586c8p-10f, 0x1.495484p-11f};
  // sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4; off by 3.6e-9
  static constexpr std::array<float, 3> kSin{-0x1.555546p-3f, 0x1.110756p-7f, -0x1.994b34p-13f};
  // cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4; off by 9.7e-11
  static constexpr std::array<float, 3> kCos{0x1.55554ap-5f, -0x1.6c0c82p-10f, 0x1.99ff5p-16f};
  static constexpr float kErfCentre = 2.75, kErfLargest = 10.5f;
  // pi / 2 = the sum of these, each the rounded rest
  static constexpr std::array<float, 3> kHalfPi{0x1.921fb6p0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
};

template <>
struct Coefficients<double> {
  // expm1(r) = r + r^2 P(r), |r| <= ln(2) / 2; off by 5.4e-20
  static constexpr std::array<double, 11> kExpm1{0x1p-1,
                                                 0x1.555555555555bp-3,
                                                 0x1.5555555555502p-5,
                                                 0x1.111111110ec1dp-7,
                                                 0x1.6c16c16c30831p-10,
                                                 0x1.a01a01b397f3fp-13,
                                                 0x1.a01a0135cb2dbp-16,
                                                 0x1.71ddefde53cedp-19,
                                                 0x1.27e5b54ee30d5p-22,
                                                 0x1.af6c5f026ec28p-26,
                                                 0x1.1e3c5d9d9ed21p-29};
  // log((1 + s) / (1 - s)) = 2 s + s z P(z), z = s^2, s <= (sqrt2 - 1) / (sqrt2 + 1); off
  // by 1.2e-18
  static constexpr std::array<double, 7> kLog{
      0x1.5555555555592p-1, 0x1.999999997fe8ap-2, 0x1.24924941e61b7p-2, 0x1.c71c52119cf18p-3,
      0x1.74663d6140514p-3, 0x1.39a1ddf16b331p-3, 0x1.2f04284aac502p-3};
  // tanh(x) = x + x z P(z), z = x^2, |x| <= 0.6; off by 3.9e-18
  static constexpr std::array<double, 11> kTanh{
      -0x1.5555555555531p-2,  0x1.111111110e36dp-3,  -0x1.ba1ba1b794fbcp-5, 0x1.664f47f3c3c0ap-6,
      -0x1.226e22f498478p-7,  0x1.d6d0d2b54059ap-9,  -0x1.7d7a5d97aee7p-10, 0x1.33de902826367p-11,
      -0x1.e34a458cd49bcp-13, 0x1.4ceebfa5a6443p-14, -0x1.20c026c2cad7p-16};
  // erf(x) = x + x P(z), z = x^2, |x| <= 1; off by 7.1e-18
  static constexpr std::array<double, 12> kErf{
      0x1.06eba8214db68p-3,  -0x1.812746b0379c2p-2,  0x1.ce2f21a041018p-4,  -0x1.b82ce312062bep-6,
      0x1.565bccfa9a82dp-8,  -0x1.c02db072f3ffbp-11, 0x1.f9a2bf73f0c77p-14, -0x1.f4ca94990cb8ap-17,
      0x1.b9827b1885f7cp-20, -0x1.5c16e30fb0c81p-23, 0x1.d7849366187cfp-27, -0x1.acdff90b8de0dp-31};
  // erfc(a) = exp(-a^2) P(t) / (a + c), t = (a - c) / (a + c), c = kErfCentre,
  // 0 <= a <= kErfLargest; off by 3.2e-18
  static constexpr std::array<double, 23> kErfTail{
      0x1.18932bf08e154p0,    -0x1.f3fe31ecb49cp-1,   0x1.8be202d26c702p-1,   -0x1.14eacb1ad02e2p-1,
      0x1.52cac237102a9p-2,   -0x1.645fd8a4bf325p-3,  0x1.38dbd2c8db737p-4,   -0x1.b00c052a9eb5ep-6,
      0x1.908f4728aebedp-8,   -0x1.269b55adca952p-12, -0x1.dd2846d8ae5c5p-12, 0x1.72cdcd6efdaa6p-13,
      -0x1.e7e66f19020e8p-19, -0x1.3c72b7346dbc2p-16, 0x1.3b079389243cdp-18,  0x1.7ece966e6961fp-20,
      -0x1.c62dff5be3cddp-21, -0x1.4eb55dcc60411p-24, 0x1.0a1e1feb97e26p-23,  0x1.605d515db4a6fp-29,
      -0x1.087e19ca6f07cp-26, -0x1.90cb3803d9755p-32, 0x1.1976162cac6fbp-30};
  // sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4; off by 3.5e-18
  static constexpr std::array<double, 6> kSin{-0x1.5555555555549p-3,  0x1.111111110f848p-7,
                                              -0x1.a01a019c0addep-13, 0x1.71de35717aae2p-19,
                                              -0x1.ae5e6111064edp-26, 0x1.5d916ef6e7357p-33};
  // cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4; off by 4.8e-20
  static constexpr std::array<double, 6> kCos{0x1.555555555554cp-5,  -0x1.6c16c16c15141p-10,
                                              0x1.a01a019cab7dfp-16, -0x1.27e4f80533382p-22,
                                              0x1.1ee9e88c8c162p-29, -0x1.8faccdb9803d8p-37};
  static constexpr double kErfCentre = 4, kErfLargest = 27.5;
  // pi / 2 = the sum of these, each the rounded rest
  static constexpr std::array<double, 3> kHalfPi{0x1.921fb54442d18p0, 0x1.1a62633145c07p-54,
                                                 -0x1.f1976b7ed8fbcp-110};
};

// 2 / pi: 32 bits behind the binary point in each word.
inline constexpr std::array<uint32_t, 40> kTwoOverPi{
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
    0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d};

}  // namespace bb::kernels
