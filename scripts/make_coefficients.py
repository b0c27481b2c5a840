#!/usr/bin/env python3
"""Makes core/kernels/math_coefficients.h: the polynomials of the vector functions.

Needs mpmath (pip install mpmath). Each polynomial has the least largest relative error in its
function, found by Remez's exchange in 50 digits, then rounded coefficient by coefficient.
"""
import pathlib

import mpmath
from mpmath import cos, erf, erfc, exp, expm1, log, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 50


def minimax(target, weight, low, high, degree):
    """Coefficients, lowest first, of the P with the least max |weight(x) (P(x) - target(x))|."""
    low, high = mpf(low), mpf(high)
    count = degree + 2
    points = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / 400) for i in range(401)]
    values = [target(x) for x in points]
    weights = [weight(x) for x in points]
    chosen = [round(400 * i / (count - 1)) for i in range(count)]
    for _ in range(12):
        a, b = mpmath.matrix(count, count), mpmath.matrix(count, 1)
        for row, k in enumerate(chosen):
            for column in range(degree + 1):
                a[row, column] = points[k] ** column
            a[row, degree + 1] = (-1) ** row / weights[k]
            b[row] = values[k]
        solution = mpmath.lu_solve(a, b)
        coefficients = [solution[i] for i in range(degree + 1)]
        errors = [w * (mpmath.polyval(coefficients[::-1], x) - v)
                  for x, v, w in zip(points, values, weights)]
        extremes = []  # the largest error of each run of one sign
        for k, error in enumerate(errors):
            if extremes and (error > 0) == (errors[extremes[-1]] > 0):
                if abs(error) > abs(errors[extremes[-1]]):
                    extremes[-1] = k
            else:
                extremes.append(k)
        while len(extremes) > count:
            extremes.pop(0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1)
        if len(extremes) < count:
            break
        chosen = extremes
        sizes = [abs(errors[k]) for k in chosen]
        if max(sizes) < min(sizes) * mpf("1.02"):
            break
    return coefficients, max(map(abs, errors))


def identity_weight(_):
    return mpf(1)


def expm1_rest(r):
    return (expm1(r) - r) / r**2 if abs(r) > mpf("1e-12") else 1 / mpf(2) + r / 6


def expm1_fit(degree):
    end = log(2) / 2 * mpf("1.001")
    return minimax(expm1_rest, lambda r: max(abs(r), mpf("1e-8")) ** 2 / exp(r), -end, end, degree)


def log_rest(z):
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) / s - 2) / z


def log_fit(degree):
    return minimax(log_rest, lambda z: z / 2, mpf("1e-12"), ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2,
                   degree)


def tanh_fit(degree):
    return minimax(lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, mpf("1e-12"),
                   mpf("0.6") ** 2, degree)


def erf_fit(degree):
    return minimax(lambda z: erf(sqrt(z)) / sqrt(z) - 1, identity_weight, mpf("1e-12"),
                   mpf(1), degree)


def sin_fit(degree):
    return minimax(lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, mpf("1e-12"),
                   (pi / 4 * mpf("1.001")) ** 2, degree)


def cos_fit(degree):
    return minimax(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: z * z, mpf("1e-8"),
                   (pi / 4 * mpf("1.001")) ** 2, degree)


def tail_fit(degree, centre, largest):
    """exp(a^2) erfc(a) (a + centre), a = centre (1 + t) / (1 - t), for a in [0, largest]."""
    def target(t):
        a = centre * (1 + t) / (1 - t)
        return exp(a * a) * erfc(a) * (a + centre)
    return minimax(target, lambda t: 1 / target(t), -1, (largest - centre) / (largest + centre),
                   degree)


FITS = [
    ("kExpm1", "expm1(r) = r + r^2 P(r), |r| <= ln(2) / 2", expm1_fit, (4,), (10,)),
    ("kLog", "log((1 + s) / (1 - s)) = 2 s + s z P(z), z = s^2, s <= (sqrt2 - 1) / (sqrt2 + 1)",
     log_fit, (2,), (6,)),
    ("kTanh", "tanh(x) = x + x z P(z), z = x^2, |x| <= 0.6", tanh_fit, (4,), (10,)),
    ("kErf", "erf(x) = x + x P(z), z = x^2, |x| <= 1", erf_fit, (6,), (11,)),
    ("kErfTail", "erfc(a) = exp(-a^2) P(t) / (a + c), t = (a - c) / (a + c), c = kErfCentre,\n"
     "  // 0 <= a <= kErfLargest", tail_fit, (8, mpf("2.75"), mpf("10.5")), (22, mpf(4), mpf("27.5"))),
    ("kSin", "sin(r) = r + r z P(z), z = r^2, |r| <= pi / 4", sin_fit, (2,), (5,)),
    ("kCos", "cos(r) = 1 - z / 2 + z^2 P(z), z = r^2, |r| <= pi / 4", cos_fit, (2,), (5,)),
]
PRECISION = {"float": 24, "double": 53}


def rounded(x, type_name):
    """x as a hexadecimal literal of the type, rounded to nearest."""
    if x == 0:
        return "0"
    bits = PRECISION[type_name]
    exponent = int(mpmath.floor(log(abs(x), 2)))
    mantissa = int(mpmath.nint(mpf(abs(x)) * mpf(2) ** (bits - 1 - exponent)))
    value = float(mantissa) * 2.0 ** (exponent - bits + 1)
    text = (value if x > 0 else -value).hex().replace("+", "")
    head, power = text.split("p")
    head = head.rstrip("0").rstrip(".")
    return f"{head}p{power}" + ("f" if type_name == "float" else "")


def parts(x, type_name, count):
    """x as a sum of `count` numbers of the type, each the rounded rest."""
    result, bits = [], PRECISION[type_name]
    for _ in range(count):
        exponent = int(mpmath.floor(log(abs(x), 2)))
        part = mpmath.nint(x * mpf(2) ** (bits - 1 - exponent)) / mpf(2) ** (bits - 1 - exponent)
        result.append(part)
        x -= part
    return result


def table(type_name):
    lines = ["template <>", f"struct Coefficients<{type_name}> {{"]
    for name, formula, fit, *arguments in FITS:
        coefficients, error = fit(*arguments[type_name == "double"])
        lines.append(f"  // {formula}; off by {mpmath.nstr(error, 2)}")
        lines.append(f"  static constexpr std::array<{type_name}, {len(coefficients)}> {name}{{")
        lines.append("      " + ", ".join(rounded(c, type_name) for c in coefficients) + "};")
    centre, largest = (4, 27.5) if type_name == "double" else (2.75, 10.5)
    suffix = "f" if type_name == "float" else ""
    lines.append(f"  static constexpr {type_name} kErfCentre = {centre}, kErfLargest = {largest}{suffix};")
    lines.append("  // pi / 2 = the sum of these, each the rounded rest")
    halves = ", ".join(rounded(p, type_name) for p in parts(pi / 2, type_name, 3))
    lines.append(f"  static constexpr std::array<{type_name}, 3> kHalfPi{{{halves}}};")
    lines.append("};")
    return lines


def two_over_pi():
    words, count = [], 40
    with mpmath.workprec(32 * count + 64):
        rest = 2 / mpmath.pi
        for _ in range(count):
            rest *= mpf(2) ** 32
            word = int(mpmath.floor(rest))
            words.append(f"0x{word:08x}")
            rest -= word
    return ["// 2 / pi: 32 bits behind the binary point in each word.",
            f"inline constexpr std::array<uint32_t, {count}> kTwoOverPi{{",
            "    " + ", ".join(words) + "};"]


def main():
    lines = ["#pragma once", "",
             "// Made by scripts/make_coefficients.py: minimax polynomials, coefficients lowest first.", "",
             "#include <array>", "#include <cstdint>", "", "namespace bb::kernels {", "",
             "template <class T>", "struct Coefficients;", ""]
    for type_name in ("float", "double"):
        lines += table(type_name) + [""]
    lines += two_over_pi() + ["", "}  // namespace bb::kernels", ""]
    path = pathlib.Path(__file__).parent.parent / "core" / "kernels" / "math_coefficients.h"
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
