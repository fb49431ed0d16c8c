// Which of a client's requests is a watch that the proxy delays.
#include "tests/cluster/proxy/request_reader.h"

#include <doctest/doctest.h>

using wp::testproxy::RequestError;
using wp::testproxy::RequestReader;

namespace {

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
}

bool watching(const std::string& request) {
  RequestReader reader("pods");
  reader.feed(request);
  return reader.watching();
}

}  // namespace

TEST_CASE("a watch of the objects, however its query is put, and nothing else") {
  CHECK(watching(get("/api/v1/pods?allowWatchBookmarks=true&watch=true&timeoutSeconds=5")));
  CHECK(watching(get("/api/v1/namespaces/n/pods?watch=1")));
  CHECK(watching(get("/api/v1/pods?watch=true")));
  CHECK_FALSE(watching(get("/api/v1/pods?limit=500")));
  CHECK_FALSE(watching(get("/api/v1/pods")));
  CHECK_FALSE(watching(get("/api/v1/pods?watch=false")));
  CHECK_FALSE(watching(get("/api/v1/nodes?watch=true")));
  CHECK_FALSE(watching(get("/api/v1/namespaces/n/pods/p?watch=true")));
  CHECK_FALSE(watching("POST /api/v1/pods?watch=true HTTP/1.1\r\nContent-Length: 0\r\n\r\n"));
}

TEST_CASE("requests follow each other on a connection, cut anywhere, and bodies are no requests") {
  const std::string body = get("/api/v1/pods?watch=true");
  const std::string all =
      "POST /api/v1/pods HTTP/1.1\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body + get("/api/v1/pods?watch=true") + get("/api/v1/nodes?watch=true");
  for (std::size_t piece = 1; piece <= all.size(); ++piece) {
    RequestReader reader("pods");
    int watches = 0;
    bool before = false;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.feed(std::string_view(all).substr(at, piece));
      if (reader.watching() && !before) ++watches;
      before = reader.watching();
    }
    CAPTURE(piece);
    CHECK(watches <= 1);
    if (piece < 20) CHECK(watches == 1);
    CHECK_FALSE(reader.watching());
    CHECK(reader.request_line() == "GET /api/v1/nodes?watch=true");
  }
}

TEST_CASE("a body whose length is not known is refused: what follows could not be found") {
  RequestReader reader("pods");
  CHECK_THROWS_AS(reader.feed("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                  RequestError);
}
