#include "bb/nn/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "bb/core/error.h"

namespace bb::nn {
namespace {

[[noreturn]] void throw_type(const std::string& name, const char* expected) {
  throw IoError(fmt::format("config: '{}' is not {}", name, expected));
}

}  // namespace

Config::Config(std::initializer_list<std::pair<std::string, Value>> entries) {
  for (const auto& [name, value] : entries) add(name, value);
}

void Config::add(std::string name, Value value) {
  entries_.emplace_back(std::move(name), std::move(value));
}

const Config::Value& Config::at(const std::string& name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found == entries_.end()) throw IoError(fmt::format("config: '{}' is missing", name));
  return found->second;
}

int64_t Config::integer(const std::string& name) const {
  const auto* value = std::get_if<int64_t>(&at(name));
  if (!value) throw_type(name, "an integer");
  return *value;
}

double Config::real(const std::string& name) const {
  if (const auto* whole = std::get_if<int64_t>(&at(name))) return static_cast<double>(*whole);
  const auto* value = std::get_if<double>(&at(name));
  if (!value) throw_type(name, "a number");
  return *value;
}

bool Config::boolean(const std::string& name) const {
  const auto* value = std::get_if<bool>(&at(name));
  if (!value) throw_type(name, "true or false");
  return *value;
}

std::string Config::to_string() const {
  std::string text;
  for (const auto& [name, value] : entries_) {
    if (!text.empty()) text += ", ";
    text += name + "=";
    std::visit([&](const auto& v) { text += fmt::format("{}", v); }, value);
  }
  return text;
}

}  // namespace bb::nn
