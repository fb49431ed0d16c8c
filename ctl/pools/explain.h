// `workerpoolctl pools explain`: why a pool has the size that it has, out of what is stored of it:
// its spec and its status. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "ctl/pools/source.h"

namespace wp::ctl {

/// The same twice: sections of lines for people, one document for programs.
struct Explanation {
  struct Section {
    std::string title;
    std::vector<std::string> lines;
  };
  std::string headline;
  std::vector<Section> sections;
  nlohmann::ordered_json document;

  /// Long lines are broken between words, but for those that are a command.
  std::string text() const;
};

/// `now`: wall time. Whatever somebody else wrote into the object, it is shown or left out.
Explanation explain(const ShownPool& shown, Millis now);

}  // namespace wp::ctl
