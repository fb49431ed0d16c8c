// What can go wrong between us and Redis, as one type with a class. The class is what people and
// metrics see; the message never holds a password, nor more than 200 bytes of what the server said.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace wp::redis {

enum class ErrorClass {
  refused,        // nobody listens, no such host, no such socket
  timeout,        // no answer in time
  closed,         // the connection ended under us
  tls,            // no trust: a certificate, a name or a file of ours is wrong
  auth,           // wrong or missing password or user
  permission,     // the user may not run this command or touch this key
  loading,        // Redis reads its data set
  read_only,      // a replica
  out_of_memory,  // maxmemory reached
  no_script,      // script cache was flushed
  wrong_type,     // the key holds something else
  protocol,       // the bytes are not what the protocol allows
  server,         // any other error reply
};

/// The class in CamelCase, as conditions and metrics name it: Refused, Timeout, …
std::string_view to_string(ErrorClass error);

class Error : public std::runtime_error {
 public:
  Error(ErrorClass error, const std::string& message)
      : std::runtime_error(message), class_(error) {}

  ErrorClass error_class() const { return class_; }

  /// what() while the words are ours. What a server answered may hold anything, so that of an error
  /// reply only its class goes into logs.
  std::string_view loggable() const;

  /// True when the connection can't be used any more, and the outcome of what was sent is unknown.
  /// Not true of read_only and auth, which a server answers instead of acting: the command had no
  /// effect. The Connection closes itself after these too, since the next connect() may find
  /// another master or another password.
  bool connection_lost() const {
    return class_ == ErrorClass::refused || class_ == ErrorClass::timeout ||
           class_ == ErrorClass::closed || class_ == ErrorClass::tls ||
           class_ == ErrorClass::protocol;
  }

 private:
  ErrorClass class_;
};

/// The class of an error reply, by its first word (NOAUTH, LOADING, …), also where it comes out of
/// a script on Redis 6, which puts words of its own in front.
ErrorClass classify_reply(std::string_view message);

}  // namespace wp::redis
