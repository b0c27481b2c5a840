#pragma once

#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "bb/core/tensor.h"

namespace bb::autograd {

/// A function of tensors as those see it that call any: gradcheck, jacobian, checkpoint.
using ListFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

namespace detail {

template <class Result>
std::vector<Tensor> as_list(Result&& result) {
  if constexpr (std::is_convertible_v<Result, Tensor>)
    return {std::forward<Result>(result)};
  else
    return std::forward<Result>(result);
}

template <class F, size_t... I>
ListFunction spread(F fn, std::index_sequence<I...>) {
  return
      [fn = std::move(fn)](const std::vector<Tensor>& x) mutable { return as_list(fn(x[I]...)); };
}

template <class F, size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return std::is_invocable_v<F&, decltype((void(I), std::declval<const Tensor&>()))...>;
}

template <class F, size_t N = 1>
ListFunction spread_any(F fn) {
  static_assert(N <= 6, "the function must take a std::vector<Tensor> or one to six tensors");
  if constexpr (takes<F>(std::make_index_sequence<N>()))
    return spread(std::move(fn), std::make_index_sequence<N>());
  else
    return spread_any<F, N + 1>(std::move(fn));
}

}  // namespace detail

/// A function of one to six tensors or of a list of them, which returns one or a list, as a
/// function from list to list.
template <class F>
ListFunction as_list_function(F fn) {
  if constexpr (std::is_invocable_v<F&, const std::vector<Tensor>&>)
    return [fn = std::move(fn)](const std::vector<Tensor>& x) mutable {
      return detail::as_list(fn(x));
    };
  else
    return detail::spread_any(std::move(fn));
}

}  // namespace bb::autograd
