// Where the API server keeps WorkerPools.
#pragma once

#include "operator/kube/client.h"
#include "operator/pool/pool.h"

namespace wp::cluster {

inline const kube::Resource kPools{"workerpool.dev", "v1alpha1", std::string(pool::kPlural)};

}  // namespace wp::cluster
