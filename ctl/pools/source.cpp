#include "ctl/pools/source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/near_names.h"
#include "ctl/output/table.h"
#include "operator/kube/document.h"

namespace wp::ctl {
namespace {

constexpr std::size_t kNamesShown = 5;

}  // namespace

std::string ShownPool::key() const {
  return kube::key_of(object);
}

CommandError unknown_pool(const std::string& name, const std::string& where,
                          const std::vector<ShownPool>& known) {
  std::vector<std::string> names;
  for (const ShownPool& one : known) names.push_back(printable(one.key()));
  std::string message = name.empty()
                            ? fmt::format("NAME: is missing; {} has {} pools", where, known.size())
                            : fmt::format("pool {}: there is none in {}", printable(name), where);
  if (names.empty()) {
    message += name.empty() ? "" : ", nor any other";
  } else {
    message += fmt::format("; there {}: {}", names.size() == 1 ? "is" : "are",
                           fmt::join(nearest(std::move(names), name, kNamesShown), ", "));
  }
  return {kNotFound, message};
}

}  // namespace wp::ctl
