// What a run measured: figures, each with the samples of ours and, where there is one, of the
// machine's own ceiling, taken in turns. Printed as one aligned table, written as JSON, and two
// such files compared. Owned by the main thread.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace wp::bench {

/// Repeated measurements of one thing. Empty: not measured.
using Samples = std::vector<double>;

double median(Samples samples);                    // 0 when empty
double percentile(Samples samples, double share);  // 0..1; 0 when empty

struct Figure {
  std::string name;  // the same in every version: by it two files are compared
  std::string unit;
  std::string goal;  // for people; empty: none
  Samples ours;
  Samples ceiling;  // of the same rounds, or empty
  std::map<std::string, double> details = {};

  /// Ours / ceiling: the median over the rounds, so that a slow moment hits both sides of a
  /// ratio. 0 without a ceiling.
  double ratio() const;
};

class Report {
 public:
  /// `out` gets a line per figure as it comes, and the table.
  explicit Report(std::ostream& out) : out_(out) {}

  void add(Figure figure);
  /// Something that could not be measured, and why.
  void skip(const std::string& what, const std::string& why);
  /// All that another one holds, behind what is here.
  void take(const Report& other);

  /// Median of each side, range of ours, ratio, and the details below.
  void print() const;
  /// Also the machine: cores, load, Redis's version as the caller knows it.
  nlohmann::json to_json(const std::string& redis_version) const;

 private:
  std::ostream& out_;
  std::vector<Figure> figures_;
  std::vector<std::string> skipped_;
};

/// Two files written by --json: of each figure in both, how ours and the ratio changed. Throws
/// std::runtime_error when a file can't be read.
void compare(const std::filesystem::path& before, const std::filesystem::path& after,
             std::ostream& out);

}  // namespace wp::bench
