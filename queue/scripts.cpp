#include "queue/scripts.h"

namespace wp::queue {

const Scripts& scripts() {
  static const Scripts all;
  return all;
}

}  // namespace wp::queue
