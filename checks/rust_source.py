"""Modules, imports and paths of a Rust crate, read from its source without a compiler.

`Crate(root).dependencies()` is `{file: {file: (line, name)}}`: which files use items that are defined in which other files.
Names in macros are read as written; methods are not resolved.
"""

import re

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
      | (?P<raw>b?r(?P<hashes>\#*)".*?"(?P=hashes))
      | (?P<text>[bc]?"(?:\\.|[^"\\])*")
      | (?P<char>b?'(?:\\(?:u\{[^}]*\}|.)[^']*|[^'\\])')
      | (?P<lifetime>'\w+)
      | (?P<number>\d[\w]*(?:\.\d[\w]*)?)
      | (?P<ident>(?:r\#)?[^\W\d]\w*)
      | (?P<colons>::)
      | (?P<punctuation>.)""",
    re.VERBOSE | re.DOTALL,
)
OPENING, CLOSING = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
DEFINING = {"struct", "enum", "union", "trait", "type", "const", "static", "fn"}
PATH_IN_TEXT = re.compile(r'"((?:crate|super|self)(?:::\w+)+)"')


class Token:
    __slots__ = ("kind", "text", "line")

    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line


def tokens_of(source):
    """The tokens of a file, without comments; block comments nest."""
    tokens, position, line = [], 0, 1
    while position < len(source):
        if source.startswith("/*", position):
            depth, end = 1, position + 2
            while depth and end < len(source):
                if source.startswith("/*", end):
                    depth, end = depth + 1, end + 2
                elif source.startswith("*/", end):
                    depth, end = depth - 1, end + 2
                else:
                    end += 1
            line += source.count("\n", position, end)
            position = end
            continue
        match = TOKEN.match(source, position)
        kind = match.lastgroup if match.lastgroup != "hashes" else "raw"
        if kind not in ("skip", "lifetime"):
            tokens.append(Token(kind, match.group(), line))
        line += match.group().count("\n")
        position = match.end()
    return tokens


def closing(tokens, start):
    """The position behind the bracket that closes the one at `start`."""
    depth = 0
    for position in range(start, len(tokens)):
        text = tokens[position].text
        if tokens[position].kind == "punctuation" and text in OPENING:
            depth += 1
        elif tokens[position].kind == "punctuation" and text in CLOSING:
            depth -= 1
            if depth == 0:
                return position + 1
    return len(tokens)


def item_end(tokens, start):
    """The position behind the item, field, statement or match arm that begins at `start`."""
    position, is_item, ends_at_semicolon = start, False, False
    while position < len(tokens):
        text = tokens[position].text
        if text == "#" and tokens[position + 1].text == "[":
            position = closing(tokens, position + 1)
            continue
        if not is_item and text in DEFINING | {"use", "mod", "impl", "macro_rules"}:
            is_item = True
            ends_at_semicolon = text in ("use", "type", "static") or text == "const" and tokens[position + 1].text != "fn"
        if text in ("(", "[", "{"):
            position = closing(tokens, position)
            if text == "{" and not ends_at_semicolon:
                return position
            continue
        if text == ";" or text == "," and not is_item:
            return position + 1
        if text in CLOSING:
            return position
        position += 1
    return position


def without_tests(tokens):
    """The tokens without what is compiled for tests only."""
    kept, position = [], 0
    while position < len(tokens):
        if tokens[position].text == "#" and position + 1 < len(tokens) and tokens[position + 1].text == "[":
            end = closing(tokens, position + 1)
            attribute = "".join(token.text for token in tokens[position + 2 : end - 1])
            if attribute == "cfg(test)" or attribute.startswith("cfg(all(test,"):
                position = item_end(tokens, end)
                continue
        kept.append(tokens[position])
        position += 1
    return kept


class Import:
    def __init__(self, path, name, public, line):
        self.path, self.name, self.public, self.line = path, name, public, line


class Module:
    def __init__(self, crate, parent, name, file, folder):
        self.crate, self.parent, self.name, self.file, self.folder = crate, parent, name, file, folder
        self.children, self.items, self.imports, self.code = {}, {}, [], []

    def read(self, tokens):
        position = 0
        while position < len(tokens):
            token = tokens[position]
            following = tokens[position + 1] if position + 1 < len(tokens) else None
            if token.kind == "ident" and following is not None:
                if token.text == "mod" and following.kind == "ident":
                    position = self.child(tokens, position)
                    continue
                if token.text == "use":
                    position = self.use(tokens, position)
                    continue
                if token.text in DEFINING and following.kind == "ident" and following.text not in DEFINING:
                    name = tokens[position + 2].text if following.text == "mut" else following.text
                    self.items[name] = token.text
                if token.text == "macro_rules" and following.text == "!":
                    self.items[tokens[position + 2].text] = "macro"
            if token.kind == "punctuation" and token.text in OPENING:
                end = closing(tokens, position)
                self.body(tokens[position:end])
                position = end
                continue
            self.code.append(token)
            position += 1

    def body(self, tokens):
        """Code in brackets: the items that it defines are its own, its imports are read as the module's."""
        position = 0
        while position < len(tokens):
            token = tokens[position]
            if token.text == "use" and token.kind == "ident" and tokens[position + 1].text not in ("<", ","):
                position = self.use(tokens, position)
                continue
            self.code.append(token)
            position += 1

    def child(self, tokens, position):
        name = tokens[position + 1].text
        if tokens[position + 2].text == ";":
            end = position + 3
            if name != "tests":
                self.children[name] = self.crate.file_module(self, name, self.path_attribute(tokens, position))
        else:
            end = closing(tokens, position + 2)
            if name != "tests":
                module = Module(self.crate, self, name, self.file, self.folder / name)
                self.crate.modules.append(module)
                self.children[name] = module
                module.read(tokens[position + 3 : end - 1])
        return end

    @staticmethod
    def path_attribute(tokens, position):
        before = "".join(token.text for token in tokens[max(0, position - 12) : position])
        match = re.search(r'#\[path="([^"]+)"\](pub(\([^)]*\))?)?$', before)
        return match and match.group(1)

    def use(self, tokens, position):
        before = tokens[position - 1].text if position else ""
        public = before == "pub" or before == ")" and any(token.text == "pub" for token in tokens[max(0, position - 6) : position])
        end = position
        while end < len(tokens) and tokens[end].text != ";":
            end += 1
        self.tree(tokens[position + 1 : end], [], public)
        return end + 1

    def tree(self, tokens, prefix, public):
        path, position = list(prefix), 0
        while position < len(tokens):
            token = tokens[position]
            if token.text == "{":
                inner, part, depth = tokens[position + 1 : closing(tokens, position) - 1], [], 0
                for token in inner:
                    depth += (token.text == "{") - (token.text == "}")
                    if token.text == "," and depth == 0:
                        self.tree(part, path, public)
                        part = []
                    else:
                        part.append(token)
                return self.tree(part, path, public) if part else None
            if token.text == "as":
                self.imports.append(Import(path, tokens[position + 1].text, public, token.line))
                return None
            if token.text == "*":
                self.imports.append(Import(path, "*", public, token.line))
                return None
            if token.kind == "ident" and not (token.text == "self" and path):
                path.append(token.text)
            position += 1
        if path:
            self.imports.append(Import(path, path[-1], public, tokens[-1].line))
        return None

    def lookup(self, name, seen=frozenset()):
        """What `name` means in this module: a set of modules and of (module, item)."""
        if (self, name) in seen:
            return set()
        seen = seen | {(self, name)}
        found = set()
        if name in self.children:
            found.add(self.children[name])
        if name in self.items:
            found.add((self, name))
        for imported in self.imports:
            if imported.name == name:
                found |= self.resolve(imported.path, seen)
        if not found:
            for imported in self.imports:
                if imported.name == "*":
                    for target in self.resolve(imported.path, seen):
                        if isinstance(target, Module):
                            found |= target.lookup(name, seen)
        return found

    def resolve(self, path, seen=frozenset()):
        module, position = self, 0
        while position < len(path) and path[position] in ("crate", "self", "super"):
            if path[position] == "crate":
                module = self.crate.root
            elif path[position] == "super":
                module = module.parent or module
            position += 1
        if position == len(path):
            return {module}
        targets = module.lookup(path[position], seen)
        for name in path[position + 1 :]:
            following = set()
            for target in targets:
                following |= target.lookup(name, seen) if isinstance(target, Module) else {target}
            # A path that goes on through both a module and an item of one name means the module.
            modules = [target for target in targets if isinstance(target, Module)]
            if modules:
                through = set().union(*(target.lookup(name, seen) for target in modules))
                following = through or following
            targets = following
        return targets

    def paths(self):
        """The paths and bare names in this module's code, as (segments, line)."""
        code, position = self.code, 0
        while position < len(code):
            token = code[position]
            if token.kind == "text":
                for match in PATH_IN_TEXT.finditer(token.text):
                    yield match.group(1).split("::"), token.line
            if token.kind != "ident":
                position += 1
                continue
            before = code[position - 1].text if position else ""
            segments, line, end = [token.text], token.line, position + 1
            while end + 1 < len(code) and code[end].text == "::" and code[end + 1].kind == "ident":
                segments.append(code[end + 1].text)
                end += 2
            follows = code[end].text if end < len(code) else ""
            is_name = before not in (".", "::", "let", "mut", "fn", "mod", "struct", "enum", "trait", "type")
            if len(segments) > 1 and before != "::" or is_name and not (len(segments) == 1 and follows == ":"):
                yield segments, line
            position = end

    def uses(self):
        """What this module uses of others, as (module, name, line)."""
        named = {}
        for segments, line in self.paths():
            named.setdefault(segments[0], line)
            if len(segments) > 1:
                for target in self.resolve(segments):
                    if not isinstance(target, Module):
                        yield target[0], target[1], line
            elif segments[0] not in self.items:
                # A name from a glob import; explicit imports follow below.
                if not any(imported.name == segments[0] for imported in self.imports):
                    for target in self.lookup(segments[0]):
                        if not isinstance(target, Module):
                            yield target[0], target[1], line
        for imported in self.imports:
            if imported.name == "*":
                continue
            for target in self.resolve(imported.path):
                if isinstance(target, Module):
                    continue
                is_trait = target[0].items.get(target[1]) == "trait"
                if imported.name in named or is_trait and not imported.public:
                    yield target[0], target[1], imported.line


class Crate:
    def __init__(self, root):
        self.modules = []
        self.root = Module(self, None, "crate", root.resolve(), root.resolve().parent)
        self.modules.append(self.root)
        self.root.read(without_tests(tokens_of(root.read_text())))

    def file_module(self, parent, name, path):
        candidates = [parent.file.parent / path] if path else [parent.folder / f"{name}.rs", parent.folder / name / "mod.rs"]
        file = next((candidate for candidate in candidates if candidate.is_file()), None)
        if file is None:
            raise SystemExit(f"{parent.file}: no file for `mod {name}`")
        folder = file.parent if file.name == "mod.rs" else file.parent / file.stem
        module = Module(self, parent, name, file, folder)
        self.modules.append(module)
        module.read(without_tests(tokens_of(file.read_text())))
        return module

    def dependencies(self):
        graph = {module.file: {} for module in self.modules}
        for module in self.modules:
            for target, name, line in module.uses():
                if target.file != module.file:
                    graph[module.file].setdefault(target.file, (line, name))
        return graph
