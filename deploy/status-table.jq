# The document of status.jq as a table for people, and below it what is wrong, or that the herd has converged.
def pad($width): . + (" " * ($width - length) // "");
def span:
    if . == null then "" elif . < 120 then "\(.) s" elif . < 7200 then "\(. / 60 | floor) min"
    elif . < 172800 then "\(. / 3600 | floor) h" else "\(. / 86400 | floor) d" end;
def megabytes: if . == null then "" else "\(. / 104857.6 | floor / 10) MB" end;
def links: map(select(.connected == true)) as $up | "\($up | length)/\(length)";

([["KIND", "NAME", "PID", "STATE", "ADDRESS", "UPTIME", "MEMORY", "REPORTS", "LINKS"]]
    + (.processes | map([
        .kind, .name, (.pid // "" | tostring), .state,
        (.addresses[0] | sub("^tcp://"; "") | sub("^.*="; ""))
            + (if .kind == "gateway" and (.addresses | length) > 1 then " +\(.addresses | length - 1)" else "" end),
        (.uptime_s | span), (.memory_bytes | megabytes),
        (if .kind == "node" then .status.reports // "" | tostring else "" end),
        (if .kind == "node" and .status.links != null then .status.links | links else "" end)]))) as $rows
| ($rows | transpose | map(map(length) | max)) as $widths
| ($rows[] | [., $widths] | transpose | map(.[1] as $width | .[0] | pad($width)) | join("  ") | sub(" +$"; "")),
    "",
    (if .problems != [] then .problems[] elif .converged then "converged: all servers know the same"
        else empty end),
    .notes[]
