#include "bb/tests/op_cases.h"

#include <iterator>
#include <map>

namespace bb {
namespace {

std::map<std::string, std::vector<OpCase>>& families() {
  static std::map<std::string, std::vector<OpCase>> all;
  return all;
}

}  // namespace

OpFamily::OpFamily(std::string name, std::vector<OpCase> cases) {
  for (OpCase& op : cases) op.family = name;
  families()[std::move(name)] = std::move(cases);
}

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = [] {
    std::vector<OpCase> all;
    for (const auto& [name, rows] : families())
      std::copy(rows.begin(), rows.end(), std::back_inserter(all));
    return all;
  }();
  return cases;
}

}  // namespace bb
