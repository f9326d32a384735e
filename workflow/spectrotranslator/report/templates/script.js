// Sorts and filters tables, names the cells of narrow ones, and finds stars.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const key = (row) => row.cells[column].textContent.trim();
      const number = (text) => (text === "" ? -Infinity : Number(text.split(" ")[0]));
      const rows = [...body.rows];
      const numeric = rows.every((row) => !Number.isNaN(number(key(row))));
      rows.sort((a, b) => numeric ? number(key(a)) - number(key(b)) : key(a).localeCompare(key(b)));
      body.append(...(down ? rows.reverse() : rows));
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}

const FILTERED_ROWS = 10;

function finder(text, place, act) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  label.className = "finder";
  input.type = "search";
  label.append(text, input);
  place.before(label);
  input.addEventListener("input", () => act(input.value.trim()));
}

for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) [...row.cells].forEach((cell, n) => { cell.dataset.head = heads[n]; });
  table.classList.add("stacks");
  if (rows.length <= FILTERED_ROWS) continue;
  finder("Show rows that hold", table.closest(".wide"), (word) => {
    const low = word.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(low);
  });
}

const quoted = (word) => /^[\w.+][\w.+-]*$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";
for (const section of document.querySelectorAll("section[data-run]")) {
  const found = document.createElement("div");
  found.setAttribute("role", "status");
  section.append(found);
  finder("Identifier, Gaia source id or line", found, (word) => {
    found.replaceChildren();
    const say = (kind, text) => {
      const line = document.createElement("p");
      const part = document.createElement(kind);
      part.textContent = text;
      line.append(part);
      found.append(line);
    };
    if (!word) return;
    for (const row of document.querySelectorAll("table.stars tbody tr")) {
      const [column, star, published, regenerated] = [...row.cells].map((cell) => cell.textContent.trim());
      if (star === word) say("span", `${column}: published ${published}, regenerated ${regenerated}`);
    }
    for (const catalogue of section.dataset.catalogues.split(" "))
      say("code", `./reproduce why ${section.dataset.run} ${catalogue} ${quoted(word)}`);
  });
}
