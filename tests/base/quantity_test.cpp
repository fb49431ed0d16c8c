#include "base/quantity.h"

#include <doctest/doctest.h>
#include <string>

using namespace wp;

TEST_CASE("quantities as Kubernetes writes them") {
  struct Row {
    const char* text;
    int parts;
    std::int64_t expected;
  };
  for (const Row& row : {Row{"0", 1, 0},
                         Row{"1", 1000, 1000},
                         Row{"500m", 1000, 500},
                         Row{"1.5", 1000, 1500},
                         Row{"1.1", 1000, 1100},
                         Row{".5", 1000, 500},
                         Row{"5.", 1000, 5000},
                         Row{"+2", 1000, 2000},
                         Row{"100u", 1000, 1},  // rounded up
                         Row{"1n", 1000, 1},
                         Row{"100.5m", 1000, 101},
                         Row{"64Ki", 1, 65536},
                         Row{"1.5Gi", 1, 1610612736},
                         Row{"123456789012345678", 1, 123456789012345678},
                         Row{"0.1Gi", 1, 107374183},
                         Row{"2e3", 1, 2000},
                         Row{"2E3", 1, 2000},
                         Row{"25e-1", 1000, 2500},
                         Row{"1e+2", 1, 100},
                         Row{"2E", 1, 2000000000000000000},
                         Row{"1k", 1, 1000},
                         Row{"400m", 1, 1},  // of a byte
                         Row{"9Ei", 1, std::int64_t{1} << 62},
                         Row{"1e99", 1, std::int64_t{1} << 62}}) {
    CAPTURE(std::string(row.text));
    CHECK(parse_quantity(row.text, row.parts) == row.expected);
  }
  for (const char* text : {"", "-1", "m", ".", "1 Gi", "1K", "1mi", "1e", "1e1.5", "0x10", "1..2",
                           "Gi", "1e999", "nan", "inf"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_quantity(text));
  }
}
