// Makes the headings of long tables buttons that sort them.
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
