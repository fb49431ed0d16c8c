#include "runner/handlers/streams.h"

#include <doctest/doctest.h>

using namespace wp::runner;

TEST_CASE("the head keeps the beginning and tells of the rest") {
  HeadBuffer head(5);
  head.add("abc");
  head.add("de");
  CHECK_FALSE(head.overflowed());
  head.add("f");
  CHECK(head.overflowed());
  CHECK(head.take() == "abcde");
}

TEST_CASE("the tail keeps the end") {
  TailBuffer tail(4);
  tail.add("abcdefghij");
  tail.add("kl");
  CHECK(tail.take() == "ijkl");
}

TEST_CASE("lines come whole, however they are cut; a monster is dropped") {
  LineBuffer lines;
  lines.add("one\ntw");
  CHECK(lines.next() == "one");
  CHECK_FALSE(lines.next());
  lines.add("o\n" + std::string(10000, 'x'));
  CHECK(lines.next() == "two");
  CHECK_FALSE(lines.next());
  lines.add("xx\nthree\n");
  CHECK(lines.next() == "three");
  CHECK_FALSE(lines.next());
}

TEST_CASE("progress is a percentage with a message, and nothing else counts") {
  CHECK(parse_progress("{\"progress\": 40, \"message\": \"half\"}")->message == "half");
  CHECK(parse_progress("{\"progress\": 40.9}")->percent == 40);
  CHECK(parse_progress("{\"progress\": 400}")->percent == 100);
  CHECK(parse_progress("{\"progress\": -1e300}")->percent == 0);
  CHECK_FALSE(parse_progress("{\"progress\": \"40\"}"));
  CHECK_FALSE(parse_progress("40"));
  CHECK_FALSE(parse_progress("{"));
  const auto cut =
      parse_progress("{\"progress\": 1, \"message\": \"" + std::string(199, 'a') + "\u00e9\"}");
  CHECK(cut->message == std::string(199, 'a'));
}
