#include "ctl/simulate/text_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/options.h"

namespace wp::simulate {

std::string shown_name(const std::string& file) {
  return file == "-" ? "standard input" : file;
}

std::string read_text(const std::string& file) {
  if (file == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) {
    throw UsageError(fmt::format("{}: cannot be read: it is a folder", file));
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) throw UsageError(fmt::format("{}: cannot be read: {}", file, std::strerror(errno)));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace wp::simulate
