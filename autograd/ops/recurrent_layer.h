#pragma once

#include <array>
#include <vector>

#include "bb/core/kernels/recurrent.h"
#include "bb/core/tensor.h"

namespace bb::detail {

/// What one recurrent layer takes in one direction, each at its place: x [T,N,I], h and c (of kLstm
/// alone) [N,H], w_ih [G*H,I], w_hh [G*H,H], b_ih and b_hh [G*H] or undefined.
enum RecurrentOperand : size_t { kX, kH, kC, kWih, kWhh, kBih, kBhh, kRecurrentOperands };
using RecurrentOperands = std::array<Tensor, kRecurrentOperands>;

/// The layer over all steps, from the last one to the first where `reverse`, as one record called
/// `op`. Returns the outputs [T,N,H], the last h and, of kLstm, the last c [N,H]. Operands are
/// taken to fit.
std::vector<Tensor> recurrent_layer(const char* op, kernels::RecurrentCell cell,
                                    RecurrentOperands operands, bool reverse);

}  // namespace bb::detail
