#include "base/base64.h"

#include <doctest/doctest.h>

using namespace wp;

TEST_CASE("any bytes become base64, and back") {
  CHECK(to_base64("") == "");
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("fo") == "Zm8=");
  CHECK(to_base64("foo") == "Zm9v");
  CHECK(to_base64("\xFB\xFF\xFE") == "+//+");
  std::string all;
  for (int c = 0; c < 256; ++c) {
    all += static_cast<char>(c);
    CHECK(from_base64(to_base64(all)) == all);
  }
}

TEST_CASE("what is no base64 is none") {
  for (const char* bad : {"Zg", "Zg=", "Z*==", " Zg==", "Zg==\n", "Zm\n9v", "=", "ä==="}) {
    CHECK_FALSE(from_base64(bad));
  }
}
