#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bb::nn {

/// The settings that a module was made with, by name and in order: what it prints, what a file
/// keeps of it, and what it is made from again.
class Config {
 public:
  using Value = std::variant<bool, int64_t, double, std::string>;

  Config() = default;
  Config(std::initializer_list<std::pair<std::string, Value>> entries);

  void add(std::string name, Value value);
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }

  /// Throw IoError where there is no such entry or it is of another type.
  int64_t integer(const std::string& name) const;
  double real(const std::string& name) const;  // a whole number will do
  bool boolean(const std::string& name) const;

  /// "p=0.5, inplace=false"
  std::string to_string() const;

 private:
  const Value& at(const std::string& name) const;
  std::vector<std::pair<std::string, Value>> entries_;
};

}  // namespace bb::nn
