# The state of a herd as one document, from lines of fields: kind, name, pid, state, why it is not ready, admin address,
# other addresses, seconds of running, bytes of memory, and what its /status says. All is well if there are no problems;
# notes tell how the herd differs from its topology.
def names: map(.name) | join(" ");

[inputs / "\t" | {
    kind: .[0], name: .[1], pid: (.[2] | tonumber? // null), state: .[3], why: .[4],
    admin: (if .[5] == "-" then null else .[5] end), addresses: (.[6] / " "),
    uptime_s: (.[7] | tonumber? // null), memory_bytes: (.[8] | tonumber? // null),
    status: (.[9] | fromjson? // null)
}] as $all
| ($all | map({key: .name, value: .state}) | from_entries) as $states
| ($all | map(select(.kind == "node" and .admin != null))) as $nodes
| ($nodes | map(select(.status.digest != null)) | group_by(.status.digest)) as $groups
| (($nodes | all(.status.digest != null)) and ($groups | length <= 1)) as $converged
| ($nodes + ($all | map(select(.kind == "gateway" and .admin != null)))) as $linking
| ($linking | map(.name as $from | .status
    | (.links // [] | map({from: $from, to: .neighbour, connected, behind, lazy})),
      (.nodes // [] | map({from: $from, to: .server, connected: .up})),
      (.workers // [] | map({from: $from, to: .name, connected: .up})))
    | add // [] | map(select($states[.to] as $state | $state != null and $state != "down"))) as $links
| ($links | map(select(.connected != true) | {from, to})) as $unlinked
| ($all | map(select(.state != "down" and .admin != null
    and (.status == null or (.status.topology | . != null and .digest != $digest))))) as $stale
| ($strays | split("\n") | map(select(. != ""))) as $strays
| {
    herd: $herd, topology: $topology, run: $run, converged: $converged,
    linked: (($linking | all(.status != null)) and $unlinked == []), unlinked: $unlinked,
    problems: (
        [$all[] | select(.state == "down") | "\(.name) is down"]
        + [$all[] | select(.state == "not ready") | "\(.name) is not ready: \(.why)"]
        + [$unlinked[] | "\(.from) has no link to \(.to)"]
        + [$links[] | select(.connected == true and (.behind // 0) > 0 and (.lazy | not))
            | "\(.to) is \(.behind) changes behind \(.from)"]
        + (if $groups | length > 1
            then ["not converged: \($groups | map("[\(names)]") | join(" and ")) know different things"]
            else [] end)),
    stale: ($stale | map(.name)), strays: $strays,
    notes: (
        ($all | map(select((.status.topology.restart_for // "") != "")) | group_by(.status.topology.restart_for)
            | map("changes of \(.[0].status.topology.restart_for) wait for the next restart of \(names)"))
        + ($stale | map(select(.status != null)) | if . == [] then []
            else ["the topology has changed since \(names) read it: deploy/herd reload"] end)
        + [$strays[] | "\(.) runs and is not in the topology: deploy/herd stop \(.)"]),
    processes: $all
} | . + {well: (.problems == [])}
