// workerpool-operator: `run` in a cluster, `local` on this machine.
#include "base/options.h"
#include "base/stop_signals.h"
#include "operator/cluster/cluster.h"

int main(int argc, char** argv) {
  return wp::run_program("workerpool-operator", [&] {
    wp::ignore_sigpipe();
    wp::Options options("workerpool-operator", "Keeps the right number of workers on every queue.");
    wp::cluster::ClusterOptions cluster;
    wp::cluster::add_cluster_command(options, cluster);
    if (options.parse(argc, argv) == wp::Parsed::exit) return 0;
    return wp::cluster::run_cluster(cluster, options);
  });
}
