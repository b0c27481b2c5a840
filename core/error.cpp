#include "bb/core/error.h"

namespace bb {

void Error::prepend_path(std::string_view name) {
  if (name.empty()) return;
  std::string path(name);
  path += has_path_ ? "." : ": ";
  message_.insert(0, path);
  has_path_ = true;
}

void Error::rename_op(std::string_view op) {
  if (has_path_) return;
  const size_t colon = message_.find(": ");
  if (colon != std::string::npos) message_.replace(0, colon, op);
}

}  // namespace bb
