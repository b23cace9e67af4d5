#!/usr/bin/env python3
"""Find import cycles between the modules of a package.

    python3 checks/module_cycles.py [PACKAGE...] [--edges FILE]    # packages: page, actors, opilio; default: all
    python3 checks/module_cycles.py --self-test

A module is a source file. It depends on another file if its code names an item that is defined there: through `use`, through
a path, or through a glob import. Re-exports are resolved to the file that defines the item. Not a dependency: `mod child;`,
a `pub use` of an item that the file itself does not use, a method call (its receiver's type is what counts), and everything
under `#[cfg(test)]` or in a module called `tests`.

Exit status 1 if there is a cycle. Each strongly connected component is printed with its shortest cycle. `--edges FILE`
prints the dependencies of one file instead.
"""

import sys
from pathlib import Path

from rust_source import Crate

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"page": "page/src/lib.rs", "actors": "actors/src/lib.rs", "opilio": "src/lib.rs"}


def components(graph):
    """The strongly connected components with more than one file (Tarjan, without recursion)."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for start in sorted(graph):
        if start in index:
            continue
        work = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(sorted(graph.get(successor, {})))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = set()
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    if len(component) > 1:
                        found.append(component)
    return sorted(found, key=len)


def shortest_cycle(graph, component):
    best = None
    for start in sorted(component):
        paths, queue = {start: [start]}, [start]
        while queue and (best is None or len(paths[queue[0]]) < len(best)):
            node = queue.pop(0)
            for successor in sorted(graph[node]):
                if successor == start:
                    cycle = paths[node] + [start]
                    if best is None or len(cycle) < len(best):
                        best = cycle
                elif successor in component and successor not in paths:
                    paths[successor] = paths[node] + [successor]
                    queue.append(successor)
    return best


def check(package):
    crate = Crate(ROOT / PACKAGES[package])
    graph = crate.dependencies()
    cycles = components(graph)
    for component in cycles:
        print(f"{package}: cycle between {len(component)} files")
        cycle = shortest_cycle(graph, component)
        for source, target in zip(cycle, cycle[1:]):
            line, name = graph[source][target]
            print(f"  {source.relative_to(ROOT)}:{line} uses {name} of {target.relative_to(ROOT)}")
        others = sorted(str(file.relative_to(ROOT)) for file in component - set(cycle))
        if others:
            print("  also part of it: " + ", ".join(others))
    return len(cycles)


def print_edges(path):
    file = (ROOT / path).resolve()
    for package, root in PACKAGES.items():
        graph = Crate(ROOT / root).dependencies() if (ROOT / root).parent in file.parents else {}
        for target, (line, name) in sorted(graph.get(file, {}).items()):
            print(f"{line}: {name} of {target.relative_to(ROOT)}")


def self_test():
    import tempfile

    def cycles_in(files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            graph = Crate(Path(folder) / "lib.rs").dependencies()
            return [sorted(file.name for file in component) for component in components(graph)]

    lib = "mod a; mod b; mod c; fn unused() { /* a::A */ let _ = \"crate::b::B\"; }"
    plain = {"lib.rs": lib, "a.rs": "use crate::b::{self, B}; pub struct A(B);", "b.rs": "pub struct B;", "c.rs": ""}
    assert cycles_in(plain) == []
    for back in ["use crate::a::A; fn f(_: A) {}", "fn f(_: super::a::A) {}", "use super::*; fn f() { a::A::new() }",
                 "fn f() { use crate::a; a::A }", "use crate::c::A; fn f(_: A) {}", "use crate::c::*; fn f(_: A) {}",
                 "mod inner { pub fn g(_: super::super::a::A) {} }", "macro_rules! m { () => { $crate::a::A } }"]:
        files = plain | {"b.rs": "pub struct B; " + back, "c.rs": "pub use crate::a::A;"}
        assert cycles_in(files) == [["a.rs", "b.rs"]], back
    for harmless in ["pub use crate::a::A;", "#[cfg(test)] mod tests { use crate::a::A; }", "#[cfg(test)] use crate::a::A;",
                     "mod tests;", "// crate::a::A", "const X: &str = r#\"crate::a::A\"#;", "use crate::a;"]:
        files = plain | {"b.rs": "pub struct B; " + harmless, "b/tests.rs": "use crate::a::A;"}
        assert cycles_in(files) == [], harmless
    child = "use super::P; pub struct C(P);"
    assert cycles_in({"lib.rs": "mod p;", "p.rs": "mod child; pub use child::C; pub struct P;", "p/child.rs": child}) == []
    uses = "mod child; pub use child::C; pub struct P; fn f(_: C) {}"
    assert cycles_in({"lib.rs": "mod p;", "p.rs": uses, "p/child.rs": child}) == [["child.rs", "p.rs"]]
    print("self-test passed")


def main(arguments):
    if "--self-test" in arguments:
        return self_test()
    if "--edges" in arguments:
        return print_edges(arguments[arguments.index("--edges") + 1])
    unknown = [name for name in arguments if name not in PACKAGES]
    if unknown:
        sys.exit(f"unknown package {unknown[0]}; known: {', '.join(PACKAGES)}")
    found = sum(check(package) for package in arguments or PACKAGES)
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
