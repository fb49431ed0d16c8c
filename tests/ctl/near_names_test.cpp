#include "ctl/near_names.h"

#include <doctest/doctest.h>

using namespace wp::ctl;
using Names = std::vector<std::string>;

TEST_CASE("near names: few edits, a part, another case; nearest first") {
  CHECK(nearest({"orders", "mail", "mails", "thumbnails"}, "mial", 5) == Names{"mail"});
  CHECK(nearest({"orders", "thumbnails"}, "thumb", 5) == Names{"thumbnails"});
  CHECK(nearest({"orders", "shop/orders", "audit"}, "Orders", 5) == Names{"orders", "shop/orders"});
  CHECK(nearest({"email-a", "email-b", "email-c"}, "email-", 2) == Names{"email-a", "email-b"});
}

TEST_CASE("nothing near: the first few in order, once each; nothing there: nothing") {
  CHECK(nearest({"z", "b", "a", "b"}, "something-else", 2) == Names{"a", "b"});
  CHECK(nearest({}, "x", 5).empty());
  CHECK(nearest({"a"}, "x", 0).empty());
}
