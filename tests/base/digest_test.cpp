#include "base/digest.h"

#include <doctest/doctest.h>

using namespace wp;

TEST_CASE("the short digest is the beginning of SHA-256") {
  CHECK(short_digest("abc") == "ba7816bf8f01cfea");  // FIPS 180-2, B.1
  CHECK(short_digest("") == "e3b0c44298fc1c14");
}
