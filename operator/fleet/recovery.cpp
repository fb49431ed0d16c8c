#include "operator/fleet/recovery.h"

namespace wp::fleet {

Recovery recover(RecoveryMemory&, const workload::View&, const Fleet&, const queue::Counts*, bool,
                 Millis, Millis) {
  return {};
}

}  // namespace wp::fleet
