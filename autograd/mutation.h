#pragma once

#include "bb/autograd/tape.h"

/// What a change in place does to the tape: the changed tensor becomes the output of the op that
/// changed it, and so does all that shares its elements. A view that was made while recording knows
/// its base, the tensor whose elements it shows. A change of a view gives the base a new history, a
/// record "change_view" of the base's old one and the view's new one; a view whose base has been
/// given a new history gets its own anew, a record "view" of the base, when it is next looked at.
/// This is PyTorch's meaning of views and changes in place together. A view that was made under
/// no_grad(), or by a user's op, has no history to be given: using it afterwards throws.
///
/// x.add_(y) where the record of y has saved x makes a cycle of x, y's record and x, which is not
/// freed; backward through it throws, since x was changed after it was saved.
namespace bb::autograd {

/// Throws ValueError where x may not be changed in place while recording: a leaf that requires a
/// gradient, a view of one, a view that was made of a recorded tensor under no_grad().
void check_mutable(const char* op, const Tensor& x);

/// True where a change of x, by operands that want a gradient or not, is to be recorded.
bool records_mutation(const Tensor& x, bool operand_wants_grad = false);

/// What a change that is not recorded ends with. Returns x.
Tensor& finish_unrecorded(const char* op, Tensor& x);

/// x as an op that changes it saw it: a copy of its elements, with its history.
Tensor before_mutation(const Tensor& x);

/// Gives x the elements and the history of y, which has its shape and dtype.
void mutate(Tensor& x, const Tensor& y);

}  // namespace bb::autograd
