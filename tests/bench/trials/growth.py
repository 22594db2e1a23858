"""What a report costs while the herd grows: in ids, and in links between its servers."""

from peers.subjects import fresh_herd
from support.topology import edges_of

IDS = (1000, 10_000, 100_000, 1_000_000)
SERVERS = (5, 10, 20)


def circle(count):
    """So many servers, each linked to the next two: twice as many links."""
    return " ".join(f"S{i}-S{(i + step) % count}" for i in range(count) for step in (1, 2))


def cpu_us(result):
    return sum(result["cpu_us"].values())


def measure(bench):
    """Processor time of all servers per report: with few and with many ids, with few and with many links."""
    of_ids, of_links = {}, {}
    for ids in IDS[: 3 if bench.given.quick else None]:
        with fresh_herd(bench, f"growth-{ids}-ids") as subject:
            of_ids[ids] = cpu_us(subject.flood(bench.given.seconds, ids))
    for count in SERVERS:
        graph = circle(count)
        with fresh_herd(bench, f"growth-{count}-servers", graph=graph) as subject:
            result = subject.flood(bench.given.seconds, bench.given.ids)
            of_links[count] = {"links": len(edges_of(graph)), "cpu_us": cpu_us(result), "known_per_s": result["known_per_s"]}
    return {"cpu_us_of_ids": of_ids, "of_servers": of_links}


def show(row):
    print("growth, CPU us per report: " + ", ".join(f"{us:.2f} of {ids:,} ids" for ids, us in row["cpu_us_of_ids"].items()))
    for count, one in row["of_servers"].items():
        print(f"growth, {count} servers in a circle of {one['links']} links: CPU {one['cpu_us']:.2f} us per report = "
              f"{one['cpu_us'] / one['links']:.2f} per link; {one['known_per_s']:,.0f}/s known on all")
