// workerpool-operator: `run` in a cluster, `check` whether it can there, `local` on
// this machine.
#include "base/options.h"
#include "base/stop_signals.h"
#include "operator/cluster/check.h"
#include "operator/cluster/cluster.h"
#include "operator/local/run_local.h"

int main(int argc, char** argv) {
  return wp::run_program("workerpool-operator", [&] {
    wp::ignore_sigpipe();
    wp::Options options("workerpool-operator", "Keeps the right number of workers on every queue.");
    wp::cluster::ClusterOptions cluster;
    wp::cluster::add_cluster_command(options, cluster);
    wp::cluster::CheckOptions check;
    wp::cluster::add_check_command(options, check);
    wp::local::LocalOptions local;
    wp::local::add_local_command(options, local);
    if (options.parse(argc, argv) == wp::Parsed::exit) return 0;
    if (options.chosen() == "local") return wp::local::run_local(local);
    if (options.chosen() == "check") return wp::cluster::run_check(check);
    return wp::cluster::run_cluster(cluster, options);
  });
}
