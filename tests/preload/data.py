"""Generates what the battery's programs work on: the same bytes on every machine and in every run.

About 30 MB in all, made in a few seconds, in a temporary folder that goes away with the battery.
"""

import json
import random
import textwrap


def words(rng, n):
    syllables = "ka lo mi ta ren so vu del ar pin qua st or ul wen".split()
    return ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(n)]


def generate(folder, scale):
    """Fills `folder`; `scale` makes the files of a quick battery smaller."""
    rng = random.Random(20240229)
    vocabulary = words(rng, 5000)
    lines = int(200_000 * scale)

    with open(folder / "text.txt", "w") as out:
        for _ in range(lines):
            out.write(" ".join(rng.choices(vocabulary, k=12)) + "\n")
    with open(folder / "numbers.txt", "w") as out:
        for _ in range(lines * 2):
            out.write(f"{rng.getrandbits(48)}\n")
    with open(folder / "table.csv", "w") as out:
        out.write("id,name,city,amount,flag\n")
        for i in range(lines):
            out.write(f"{i},{rng.choice(vocabulary)},{rng.choice(vocabulary)},"
                      f"{rng.randint(1, 99999) / 100},{rng.randint(0, 1)}\n")
    with open(folder / "records.json", "w") as out:
        json.dump([{"id": i, "name": rng.choice(vocabulary), "tags": rng.choices(vocabulary, k=5),
                    "nested": {"x": rng.random(), "y": [rng.randint(0, 9) for _ in range(6)]}}
                   for i in range(lines // 5)], out)

    tree = folder / "tree"
    for i in range(int(1200 * scale)):
        place = tree / f"a{i % 11}" / f"b{i % 37}" / f"c{i}"
        place.mkdir(parents=True)
        for j in range(4):
            (place / f"file{j}.txt").write_text(
                "\n".join(" ".join(rng.choices(vocabulary, k=8)) for _ in range(12)))

    (folder / "site").mkdir()
    (folder / "site" / "small.html").write_text("<html><body>hello</body></html>\n")
    (folder / "site" / "large.txt").write_text("".join(rng.choices("abcdefgh\n", k=100_000)))
    page_rows = "".join(f"<tr><td>{i}<td>{rng.choice(vocabulary)}<td>{rng.choice(vocabulary)}"
                        for i in range(int(4000 * scale)))
    (folder / "page.html").write_text(textwrap.dedent("""\
        <!doctype html><meta charset=utf-8><title>battery</title>
        <p id=out>waiting</p><table>ROWS</table><script>
        const lists = []; let sum = 0;
        for (let i = 0; i < 200; i++) lists.push(Array.from({length: 1000}, (_, k) => "s" + i * k));
        for (const l of lists) for (const s of l) sum = (sum * 31 + s.length + s.charCodeAt(1)) % 1e9;
        document.getElementById("out").textContent = "sum " + sum + " rows " +
            document.querySelectorAll("tr").length;
        </script>""").replace("ROWS", page_rows))

    functions = "\n".join(textwrap.dedent(f"""\
        int f{i}(int a, const char* s) {{
          int v[8] = {{a, a * {i % 13}, a ^ {i}, a >> 3, a % {i + 2}, a - 7, a + {i}, 1}};
          for (int k = 0; k < a % 50; k++) switch (s[k % 4]) {{
            case 'a': v[k % 8] += f{(i or 1) - 1}(k, s); break;
            case 'b': v[(k + 1) % 8] ^= k * {i}; break;
            default: v[(k + 3) % 8] -= v[k % 8] / {i + 1};
          }}
          return v[a & 7] + v[(a >> 3) & 7];
        }}""") for i in range(int(500 * scale)))
    (folder / "many.c").write_text(functions.replace(
        "int f0(int a, const char* s) {", "int f0(int a, const char* s) {\n  if (a < 2) return a;"))
    (folder / "heavy.cpp").write_text(textwrap.dedent("""\
        #include <algorithm>
        #include <functional>
        #include <iostream>
        #include <map>
        #include <memory>
        #include <regex>
        #include <sstream>
        #include <string>
        #include <unordered_map>
        #include <variant>
        #include <vector>
        template <int N> struct Node {
          std::map<std::string, std::variant<int, std::string, std::vector<double>>> values;
          std::unique_ptr<Node<N - 1>> next = std::make_unique<Node<N - 1>>();
          std::function<int(int)> call = [](int x) { return x + N; };
          int total() const {
            std::ostringstream out;
            for (auto& [k, v] : values) out << k << v.index();
            return int(out.str().size()) + next->total();
          }
        };
        template <> struct Node<0> { int total() const { return 0; } };
        int main(int argc, char** argv) {
          Node<40> node;
          std::regex pattern("(a+)(b|c)*[0-9]{2,}");
          std::unordered_map<int, std::vector<std::string>> lists;
          for (int i = 0; i < argc * 100; ++i) lists[i % 7].push_back(std::to_string(i));
          for (auto& [k, list] : lists) std::sort(list.begin(), list.end(), std::greater<>{});
          std::cout << node.total() << std::regex_search(argv[0], pattern) << lists.size() << "\\n";
        }
        """))
    (folder / "notes.md").write_text("\n".join(
        f"## Part {i}\n\n" + " ".join(rng.choices(vocabulary, k=60)) for i in range(200)))
    (folder / "picture.ps").write_text(textwrap.dedent(f"""\
        %!PS
        1 1 {int(120 * scale) or 1} {{
          /page exch def
          /Times-Roman findfont 11 scalefont setfont
          1 1 60 {{ /row exch def 40 row 12 mul 40 add moveto
            (page ) show page 10 string cvs show ( row ) show row 10 string cvs show
            1 1 14 {{ row mul page add 17 mod 10 string cvs show ( lorem ) show }} for }} for
          1 1 200 {{ /k exch def k 255 div 0.5 1 k 255 div sub setrgbcolor
            k 2 mul k 3 mul moveto 300 k page mul 400 mod 200 10 500 k curveto stroke }} for
          showpage }} for
        """))
