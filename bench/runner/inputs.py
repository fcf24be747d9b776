"""Writes the inputs of the real programs: the same bytes on every machine and in every run.

All content is generated from counters and a fixed seed, so nothing is fetched and nothing of
anybody's work is in it. Files are written once and reused while this file and the scale stay the same.
"""

import os
import random
import shutil
import subprocess
import zlib

PYTHON = '''
import json, sys
n = int(sys.argv[1])
class Node:
    def __init__(self, name, children): self.name, self.children = name, children
def build(depth): return Node("n%d" % depth, [build(depth - 1) for _ in range(3)] if depth else [])
total = 0
for i in range(n):
    data = [{"id": k, "name": "item %d" % (k * i), "tags": ["t%d" % (k % m) for m in range(1, 8)],
             "at": [k * 0.5, k * 0.25]} for k in range(1500)]
    text = json.dumps(data)
    back = json.loads(text)
    index = {entry["name"]: entry for entry in back}
    words = sorted(" ".join(entry["tags"]) for entry in index.values())
    total += len("".join(words)) + len(build(7).children)
print(total)
'''

LUA = '''
local n = tonumber(arg[1])
local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
local function count(t) if not t[1] then return 1 end return 1 + count(t[1]) + count(t[2]) end
local total = 0
for i = 1, n do
  total = total + count(tree(12))
  local words = {}
  for k = 1, 4000 do words[#words + 1] = "word " .. (k * i % 7919) end
  local seen = {}
  for _, w in ipairs(words) do seen[w] = (seen[w] or 0) + 1 end
  total = total + #table.concat(words, ",")
end
print(total)
'''

PERL = '''
my $n = shift; my $total = 0;
for my $i (1 .. $n) {
  my %seen;
  for my $k (1 .. 6000) {
    my $line = join ",", map { "field" . ($k * $_ % 101) } 1 .. 8;
    my @parts = split /,/, $line;
    $seen{$parts[$k % 8]}{$k % 97} .= substr($line, 0, 20);
    $total += length($line) if $line =~ /field(\\d+),field1/;
  }
  for my $key (sort keys %seen) { $total += scalar(keys %{$seen{$key}}); }
}
print "$total\\n";
'''

CPP_HEAD = '''
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
template <int N> struct Tag { std::string text; int value = N; };
template <int N> struct Chain : Chain<N - 1> { Tag<N> tag; int sum() const { return tag.value + Chain<N - 1>::sum(); } };
template <> struct Chain<0> { int sum() const { return 0; } };
'''


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def cpp(functions):
    parts = [CPP_HEAD]
    for i in range(functions):
        parts.append(f'''
struct Record{i} {{ std::string name; std::vector<Tag<{i}>> tags; std::map<int, std::unique_ptr<Tag<{i + 1}>>> index; }};
int work{i}(const std::vector<Record{i}>& records, std::variant<int, std::string, Record{i}>& last) {{
  std::unordered_map<std::string, std::vector<int>> seen;
  for (const auto& record : records) {{
    for (const auto& tag : record.tags) seen[record.name + tag.text].push_back(tag.value * {i + 3});
  }}
  std::vector<std::pair<std::string, std::vector<int>>> sorted(seen.begin(), seen.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {{ return a.second.size() < b.second.size(); }});
  last = sorted.empty() ? std::string("none") : sorted.front().first;
  return int(sorted.size()) + Chain<{20 + i}>().sum();
}}
''')
    return "".join(parts)


def sql(rows):
    lines = ["create table item (id integer primary key, name text, kind integer, price real);",
             "create table sale (id integer primary key, item integer, count integer, note text);",
             "begin;"]
    generator = random.Random(11)
    for i in range(rows):
        lines.append(f"insert into item values ({i}, 'item {generator.randrange(10**6)}', {i % 37}, {i * 0.37:.2f});")
        for _ in range(2):
            lines.append(f"insert into sale (item, count, note) values ({generator.randrange(rows)}, {i % 9}, "
                         f"'note {'x' * generator.randrange(80)}');")
    lines += ["commit;", "create index by_kind on item (kind, name);", "create index by_item on sale (item);"]
    for i in range(12):
        lines.append(f"select kind, count(*), sum(price * count), group_concat(substr(note, 1, 4)) from item join sale "
                     f"on sale.item = item.id where kind % 12 = {i} group by kind order by 3 desc;")
        lines.append(f"update sale set note = note || ' {i}' where item % 12 = {i};")
    return "\n".join(lines) + "\n"


def pdf(pages):
    """Pages of text and curves; objects and their offsets as the format wants them."""
    generator = random.Random(12)
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", None,
               "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>"]
    kids = []
    for page in range(pages):
        content = ["BT /F1 9 Tf 11 TL 40 800 Td"]
        for row in range(60):
            words = " ".join(f"word{generator.randrange(9999)}" for _ in range(12))
            content.append(f"({page}.{row} {words}) Tj T*")
        content.append("ET")
        for _ in range(250):
            x = [generator.randrange(40, 550) for _ in range(8)]
            colour = " ".join(f"{generator.random():.2f}" for _ in range(3))
            content.append(f"{colour} RG {x[0]} {x[1]} m {x[2]} {x[3]} {x[4]} {x[5]} {x[6]} {x[7]} c S")
        text = "\n".join(content)
        objects.append(f"<< /Length {len(text)} >>\nstream\n{text}\nendstream")
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects)} 0 R "
                       "/Resources << /Font << /F1 3 0 R >> >> >>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {pages} /Kids [{' '.join(kids)}] >>"
    out, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"


def git_history(commits):
    """A stream for git fast-import: files of lines, each commit changing some of them."""
    generator = random.Random(13)
    files = {f"folder{i % 7}/file{i}.txt": [f"line {i} {k} {generator.randrange(10**6)}" for k in range(200)]
             for i in range(40)}
    out = []
    for commit in range(commits):
        changed = sorted(files) if commit == 0 else generator.sample(sorted(files), 4)
        message = f"change {commit}"
        out.append(f"commit refs/heads/main\ncommitter bench <bench@example.org> {1700000000 + commit * 60} +0000\n"
                   f"data {len(message)}\n{message}\n")
        for name in changed:
            lines = files[name]
            for _ in range(6):
                lines[generator.randrange(len(lines))] = f"changed {commit} {generator.randrange(10**6)}"
            lines.insert(generator.randrange(len(lines)), f"new {commit}")
            text = "\n".join(lines) + "\n"
            out.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    return "".join(out) + "done\n"


def folder_of(parent, scale):
    """Where the inputs of this scale, made by this very file, stand in `parent`."""
    with open(__file__, "rb") as file:
        return os.path.join(parent, f"inputs-{scale:g}-{zlib.crc32(file.read()):08x}")


def write_all(finished, scale):
    """Everything the programs read, in `finished`, which appears only when it is whole."""
    if os.path.exists(finished):
        return
    folder = finished + ".part"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    write(os.path.join(folder, "work.py"), PYTHON)
    write(os.path.join(folder, "work.lua"), LUA)
    write(os.path.join(folder, "work.pl"), PERL)
    write(os.path.join(folder, "work.cpp"), cpp(max(2, round(3 * scale))))
    write(os.path.join(folder, "work.sql"), sql(max(500, round(50000 * scale))))
    write(os.path.join(folder, "work.pdf"), pdf(max(2, round(70 * scale))))
    repository = os.path.join(folder, "repository")
    subprocess.run(["git", "init", "-q", "--bare", repository], check=True)
    subprocess.run(["git", "--git-dir", repository, "fast-import", "--quiet", "--done"], check=True,
                   input=git_history(max(40, round(1500 * scale))), text=True)
    objects = subprocess.run(["git", "--git-dir", repository, "rev-list", "--objects", "--all"],
                             capture_output=True, text=True, check=True).stdout
    write(os.path.join(folder, "objects.txt"), objects)
    os.rename(folder, finished)
