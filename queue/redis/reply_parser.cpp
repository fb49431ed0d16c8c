#include "queue/redis/reply_parser.h"

#include <algorithm>
#include <fmt/format.h>
#include <hiredis/read.h>
#include <string>

#include "queue/redis/error.h"

namespace wp::redis {
namespace {

constexpr std::size_t kKeptBuffer = std::size_t{1} << 20;  // between two replies
constexpr std::int64_t kReserved = 1024;  // elements; more room only as they really come

}  // namespace

// The functions that hiredis calls for each part of a reply; what they answer is the `obj` of the
// part, null is a refusal. Nothing may be thrown through the C code. The lists of RESP3's parts
// differ between hiredis' versions, and so do the types of counts: hence the templates.
struct ReplyParser::Functions {
  static ReplyParser& parser(const redisReadTask* task) {
    return *static_cast<ReplyParser*>(task->privdata);
  }

  static Reply* refuse(ReplyParser& parser, const char* problem) {
    parser.problem_ = problem;
    return nullptr;
  }

  // The place of the next part: the root, or one more element of its array.
  static Reply* place(const redisReadTask* task, Reply::Type type) {
    try {
      Reply* reply = &parser(task).root_;
      if (task->parent != nullptr) {
        reply = &static_cast<Reply*>(task->parent->obj)->items.emplace_back();
      }
      reply->type = type;
      return reply;
    } catch (...) {
      return refuse(parser(task), "there is no memory for the reply");
    }
  }

  static void* text(const redisReadTask* task, char* bytes, std::size_t size) {
    Reply::Type type = Reply::Type::text;
    if (task->type == REDIS_REPLY_STATUS) {
      type = Reply::Type::status;
    } else if (task->type == REDIS_REPLY_ERROR) {
      type = Reply::Type::error;
    } else if (task->type != REDIS_REPLY_STRING) {
      return refuse(parser(task), "the reply is not RESP2");
    }
    Reply* const reply = place(task, type);
    if (reply == nullptr) return nullptr;
    try {
      reply->bytes.assign(bytes, size);
      return reply;
    } catch (...) {
      return refuse(parser(task), "there is no memory for the reply");
    }
  }

  static void* array(const redisReadTask* task, std::int64_t count) {
    ReplyParser& self = parser(task);
    if (task->type != REDIS_REPLY_ARRAY) return refuse(self, "the reply is not RESP2");
    int depth = 1;
    for (const redisReadTask* it = task->parent; it != nullptr; it = it->parent) ++depth;
    if (depth > self.bounds_.depth) return refuse(self, "the reply is nested too deep");
    if (count < 0 || count > self.bounds_.elements - self.elements_) {
      return refuse(self, "the reply has too many elements");
    }
    self.elements_ += count;
    Reply* const reply = place(task, Reply::Type::array);
    if (reply == nullptr) return nullptr;
    try {
      reply->items.reserve(static_cast<std::size_t>(std::min(count, kReserved)));
      return reply;
    } catch (...) {
      return refuse(self, "there is no memory for the reply");
    }
  }

  static void* integer(const redisReadTask* task, long long value) {
    if (task->type != REDIS_REPLY_INTEGER) return refuse(parser(task), "the reply is not RESP2");
    Reply* const reply = place(task, Reply::Type::integer);
    if (reply != nullptr) reply->number = value;
    return reply;
  }

  static void* nil(const redisReadTask* task) { return place(task, Reply::Type::nil); }

  template <typename Table>
  static Table table() {
    Table made{};
    made.createString = text;
    made.createArray = [](const redisReadTask* task, auto count) {
      return array(task, static_cast<std::int64_t>(count));
    };
    made.createInteger = integer;
    made.createNil = nil;
    made.freeObject = [](void*) {};  // all of it is in `root_`
    if constexpr (requires { made.createDouble; }) {
      made.createDouble = [](const redisReadTask* task, auto...) -> void* {
        return refuse(parser(task), "the reply is not RESP2");
      };
    }
    if constexpr (requires { made.createBool; }) {
      made.createBool = [](const redisReadTask* task, auto...) -> void* {
        return refuse(parser(task), "the reply is not RESP2");
      };
    }
    return made;
  }
};

void ReplyParser::ReaderDeleter::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

ReplyParser::ReplyParser(Bounds bounds) : bounds_(bounds) {
  static redisReplyObjectFunctions functions = Functions::table<redisReplyObjectFunctions>();
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (!reader_) throw std::bad_alloc();
  reader_->privdata = this;
  reader_->maxbuf = kKeptBuffer;
}

ReplyParser::~ReplyParser() = default;

void ReplyParser::feed(std::string_view bytes) {
  pending_ += bytes.size();
  if (pending_ > bounds_.bytes) {
    throw Error(ErrorClass::protocol,
                fmt::format("the reply is larger than {} bytes", bounds_.bytes));
  }
  // Its failure is remembered, and told by the next call for a reply.
  (void)redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

bool ReplyParser::next(Reply& reply) {
  void* done = nullptr;
  if (redisReaderGetReply(reader_.get(), &done) != REDIS_OK) {
    throw Error(ErrorClass::protocol, problem_ != nullptr ? problem_ : reader_->errstr);
  }
  if (done == nullptr) return false;
  reply = std::move(root_);
  root_ = Reply{};
  elements_ = 0;
  pending_ = reader_->len - reader_->pos;
  return true;
}

}  // namespace wp::redis
