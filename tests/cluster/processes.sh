# shellcheck shell=bash
#
# Sourced by up and down: processes recorded as files DIR/pids/NAME that hold "PID STARTTIME".
# The start time (field 22 of /proc/PID/stat) tells a recorded process from a later one that was
# given the same number, so that nothing foreign is ever signalled.

# Prints "STATE STARTTIME" of a process, or fails if there is none.
process_stat() { # PID
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The second field, the name, may hold blanks and parentheses: cut after its end.
  stat=${stat##*) }
  local fields
  read -r -a fields <<<"$stat"
  printf '%s %s\n' "${fields[0]}" "${fields[19]}"
}

# True while the recorded process runs. A zombie does not: a container often has no init that reaps.
process_runs() { # FILE
  local pid recorded state started
  { read -r pid recorded <"$1"; } 2>/dev/null || return 1
  read -r state started <<<"$(process_stat "$pid")" || return 1
  [[ $state != Z && $state != X && $started == "$recorded" ]]
}

process_signal() { # SIGNAL FILE
  local pid
  process_runs "$2" || return 0
  read -r pid _ <"$2"
  kill -s "$1" "$pid" 2>/dev/null || true
}
