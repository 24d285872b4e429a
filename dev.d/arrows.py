#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Arrows between rooms: which folder of the product uses which.

A room is a folder with a gw_add_library() in its CMakeLists.txt; the LINK list there is what the room
may use. The linker does not enforce it (a header needs no library, and libraries bring theirs along),
so this reads every #include and fails on

  - an include of a room, or of a library's header, that the LINK list does not name,
  - a LINK entry that no include uses,
  - a circle of rooms, or of files (a .c and its .h are one) inside a room.

usage: arrows.py [--draw] [<root>]      --draw prints the rooms, floor by floor, with what each uses
"""
import pathlib
import re
import sys

# The headers of the libraries, as CMake calls these.
LIBRARIES = {
    "uv.h": "deps_uv", "llhttp.h": "deps_llhttp", "mbedtls/": "deps_mbedtls", "psa/": "deps_mbedtls",
    "libpq-fe.h": "deps_pq", "curl/": "deps_curl", "jsmn.h": "deps_jsmn", "csv.h": "deps_csv", "nettle/": "deps_nettle",
    "gmp.h": "deps_nettle", "utf8proc.h": "deps_utf8proc",
}
FOLDERS = ("base", "tls", "db", "gateway", "cli", "token")
LIBRARY = re.compile(r"gw_add_library\(\s*(\w+)([^)]*)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


class Room:
    def __init__(self, folder, target, links):
        self.folder, self.target, self.links = folder, target, links
        self.used = set()     # targets
        self.files = {}       # stem -> stems of the same room that it includes

    def __repr__(self):
        return self.folder


def rooms_of(root):
    rooms = {}
    for lists in sorted(path for top in FOLDERS for path in (root / top).rglob("CMakeLists.txt")):
        text = re.sub(r"#.*", "", lists.read_text())
        found = LIBRARY.findall(text)
        if found:
            links = {link for _, rest in found for link in rest.partition("LINK")[2].split()}
            folder = str(lists.parent.relative_to(root))
            rooms[folder] = Room(folder, found[0][0], links)
    return rooms


def owner_of(rooms, path):
    """The room of a file: the nearest folder above it that is one."""
    for parent in path.parents:
        if str(parent) in rooms:
            return rooms[str(parent)]
    return None


def library_of(header):
    for start, target in LIBRARIES.items():
        if header == start or (start.endswith("/") and header.startswith(start)):
            return target
    return None


def read_includes(root, rooms):
    """Fills `used` and `files`; returns what is wrong."""
    faults = []
    for room in rooms.values():
        for path in sorted(pathlib.Path(root / room.folder).rglob("*.[ch]")):
            name = path.relative_to(root)
            if owner_of(rooms, name) is not room:
                continue
            stem = str(name.with_suffix(""))
            neighbours = room.files.setdefault(stem, set())
            text = path.read_text()
            for match in INCLUDE.finditer(text):
                own, foreign = match.groups()
                where = f"{name}:{text.count(chr(10), 0, match.start(1 if own else 2)) + 1}"
                if own:
                    other = owner_of(rooms, pathlib.PurePath(own))
                    target = other.target if other else None
                    if other is None:
                        faults.append(f'{where}: "{own}" is in no room')
                    if other is room:
                        neighbours.add(str(pathlib.PurePath(own).with_suffix("")))
                        continue
                else:
                    target = library_of(foreign)
                if target is None:
                    continue
                room.used.add(target)
                if target not in room.links:
                    faults.append(f"{where}: {room} may not use {own or foreign}: {target} is not in the LINK list of "
                                  f"{room.folder}/CMakeLists.txt")
    return faults


def circle_in(graph):
    """A circle as a list of nodes, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done or node not in graph:
            return None
        path.append(node)
        for other in sorted(graph[node]):
            if other != node:
                circle = visit(other)
                if circle:
                    return circle
        path.pop()
        done.add(node)
        return None

    for start in sorted(graph):
        circle = visit(start)
        if circle:
            return circle
    return None


def faults_of(rooms, faults):
    folder_of = {room.target: room.folder for room in rooms.values()}
    graph = {}
    for room in rooms.values():
        faults += [f"{room.folder}/CMakeLists.txt: no include of {room} uses {link}: take it out"
                   for link in sorted(room.links - room.used)]
        graph[room.folder] = {folder_of[target] for target in room.used if target in folder_of}
    circle = circle_in(graph)
    if circle:
        faults.append("a circle of rooms: " + " -> ".join(circle))
    for room in rooms.values():
        circle = circle_in(room.files)
        if circle:
            faults.append("a circle of files: " + " -> ".join(circle))
    return graph, faults


def draw(rooms, graph):
    floors = {}

    def floor_of(folder):
        if folder not in floors:
            floors[folder] = 1 + max((floor_of(other) for other in graph[folder]), default=-1)
        return floors[folder]

    width = max(map(len, rooms))
    for folder in sorted(rooms, key=lambda name: (-floor_of(name), name)):
        libraries = sorted(link[len("deps_"):] for link in rooms[folder].links if link.startswith("deps_"))
        uses = " ".join(sorted(graph[folder], key=lambda name: (-floor_of(name), name)))
        print(f"{floor_of(folder):2}  {folder:{width}}  {len(rooms[folder].files):3} files   {uses}"
              + (f"   [{' '.join(libraries)}]" if libraries else ""))
    inside = sum(1 for folder in graph for other in graph[folder]
                 if folder.startswith("gateway/") and other.startswith("gateway/"))
    print(f"{len(rooms)} rooms, {sum(map(len, graph.values()))} arrows, {inside} of them within gateway/")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--draw"]
    root = pathlib.Path(arguments[0] if arguments else ".").resolve()
    rooms = rooms_of(root)
    graph, faults = faults_of(rooms, read_includes(root, rooms))
    if "--draw" in sys.argv and not any(fault.startswith("a circle of rooms") for fault in faults):
        draw(rooms, graph)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
