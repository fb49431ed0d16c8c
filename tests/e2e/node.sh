# shellcheck shell=bash
#
# Sourced by up, down, enter and load: what lies in the folder of a real node, and how its
# namespaces are entered. The node's init holds them all: whatever runs in its pid namespace ends
# with it, and the mounts and links of the other two vanish with the last of those.

# Addresses within the network namespace. They mean nothing outside of it.
# shellcheck disable=SC2034 # for those who source this
readonly node_address=10.89.0.2 pod_network=10.88.0.0/16

# Prints the pid of the node's init; fails when it does not run.
node_pid() { # DIR
  process_runs "$1/pids/init" || return 1
  local pid
  read -r pid _ <"$1/pids/init"
  printf '%s\n' "$pid"
}

# Records a process in DIR/pids/NAME for down, as tests/cluster/processes.sh wants it.
record() { # DIR NAME PID
  local started
  read -r _ started <<<"$(process_stat "$3")" || return 1
  printf '%s %s\n' "$3" "$started" >"$1/pids/$2"
}

# Ends with 2 when DIR is not a node's folder, with 1 when its node does not run.
require_node() { # WHO DIR
  if [[ ! -e $2/.workerpool-e2e ]]; then
    printf '%s: %s was not made by up (see --help)\n' "$1" "$2" >&2
    exit 2
  fi
  if ! node_pid "$2" >/dev/null; then
    printf '%s: the node of %s does not run\n' "$1" "$2" >&2
    exit 1
  fi
}

# Prints the pid of the only child of a process; fails when it has none.
child_of() { # PID
  local children
  children=$(cat "/proc/$1/task/$1/children" 2>/dev/null) || return 1
  [[ -n $children ]] && printf '%s\n' "${children%% *}"
}
