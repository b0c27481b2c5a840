#include "bb/core/error.h"

namespace bb {

void Error::prepend_path(std::string_view name) {
  if (name.empty()) return;
  std::string path(name);
  path += has_path_ ? "." : ": ";
  message_.insert(0, path);
  has_path_ = true;
}

}  // namespace bb
