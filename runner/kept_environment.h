// What runner/launcher.cpp and the runner that it starts agree on about the environment: what was
// set aside for handlers, and what was added for the runner itself.
#pragma once

namespace wp::runner {

/// In front of the names of variables that are for handlers only.
inline constexpr const char* kKept = "WP_KEPT_";
/// Added for the runner alone. There is no such file, and so the image's openssl.cnf is not read
/// either: libraries of ours start OpenSSL before any code of ours could say that.
inline constexpr const char* kOwnOpenssl = "OPENSSL_CONF=/workerpool/lib/openssl.cnf";

}  // namespace wp::runner
