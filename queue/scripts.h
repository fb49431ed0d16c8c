// The operations' scripts, made once per process at first use.
#pragma once

#include "queue/redis/script.h"

namespace wp::queue {

struct Scripts {
  redis::Script enqueue{"enqueue"};
  redis::Script step{"step"};
  redis::Script beat{"beat"};
  redis::Script release{"release"};
  redis::Script register_worker{"register"};
  redis::Script config{"config"};
  redis::Script counts{"counts"};
  redis::Script job{"job"};
  redis::Script check{"check"};
};

const Scripts& scripts();

}  // namespace wp::queue
