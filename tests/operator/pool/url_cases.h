// Addresses of an app beside the runner, and whether they may be used. The pool's rules, the runner
// that posts to them, and the API server by the CRD are tried with the same table.
#pragma once

namespace wp::pool {

struct UrlCase {
  const char* url;
  bool fine;
};

inline constexpr UrlCase kUrlCases[] = {
    {"http://127.0.0.1:8000/jobs", true},
    {"http://127.1.2.255", true},
    {"HTTP://LocalHost:08000", true},
    {"http://[::1]:65535/a?b=c/d", true},
    {"http://127.0.0.1?q=$x\"y", true},
    {"http://localhost:1/~!", true},
    {"https://127.0.0.1/", false},
    {"127.0.0.1:8000", false},
    {"http://", false},
    {"http:///jobs", false},
    {"http://example.com/", false},
    {"http://10.0.0.1/", false},
    {"http://127.0.0.256/", false},
    {"http://127.0.0.01/", false},
    {"http://127.1/", false},
    {"http://127.0.0.1.example.com/", false},
    {"http://localhost.example.com/", false},
    {"http://[::]/", false},
    {"http://[0:0:0:0:0:0:0:1]/", false},
    {"http://me:hunter2@127.0.0.1/", false},
    {"http://127.0.0.1:/", false},
    {"http://127.0.0.1:0/", false},
    {"http://127.0.0.1:65536/", false},
    {"http://127.0.0.1:99999/", false},
    {"http://127.0.0.1:80x/", false},
    {"http://127.0.0.1/a b", false},
    {"http://127.0.0.1/a#b", false},
    {"http://127.0.0.1#b", false},
    {"http://127.0.0.1/\xC3\xA9", false},
    {"http://127.0.0.1/\n", false},
};

/// The same of handler.http.readyPath.
inline constexpr UrlCase kReadyPathCases[] = {
    {"/", true},     {"/ready?full=1", true}, {"ready", false}, {"/a b", false},
    {"/a#b", false}, {"/\xC3\xA9", false},    {"/a\nb", false},
};

}  // namespace wp::pool
