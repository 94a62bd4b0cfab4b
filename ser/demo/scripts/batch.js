// The table of many files: sorted, filtered, played and opened in the visitor's browser. Whatever
// the server draws anew comes in the order of the files, and is put into the visitor's order again.
(() => {
  const player = new Audio();
  const chosen = { column: null, descending: false, emotion: null };
  let playing = null;

  const part = (selector) => document.querySelector(`#ser-batch ${selector}`);
  const say = (sentence) => {
    part("#ser-batch-said").textContent = sentence;
  };
  const set = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };

  const valueIn = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent;
  };
  const order = (a, b) => {
    if (chosen.column !== null) {
      const [one, other] = [a, b].map((row) => valueIn(row, chosen.column));
      const sign = chosen.descending ? -1 : 1;
      if (!one !== !other) {
        // The last column brings errors to either end; in all others, empty cells are last.
        const isLast = chosen.column === a.cells.length - 1;
        return (one ? -1 : 1) * (isLast ? sign : 1);
      }
      const compared = one.localeCompare(other, undefined, { numeric: true });
      const difference = isNaN(one) || isNaN(other) ? compared : one - other;
      if (difference) return difference * sign;
    }
    return a.dataset.row - b.dataset.row;
  };

  const arrange = (table) => {
    for (const chip of document.querySelectorAll("#ser-batch .ser-count")) {
      if (chip.disabled && chip.dataset.filter === chosen.emotion) {
        chosen.emotion = null;
        say("");
      }
    }
    for (const chip of document.querySelectorAll("#ser-batch .ser-count")) {
      set(chip, "aria-pressed", `${chip.dataset.filter === chosen.emotion}`);
    }
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const direction = chosen.descending ? "descending" : "ascending";
      set(head, "aria-sort", column === chosen.column ? direction : "none");
    });
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const sorted = rows.toSorted(order);
    if (sorted.some((row, place) => row !== rows[place])) {
      const focused = document.activeElement;
      body.append(...sorted);
      if (body.contains(focused)) focused.focus({ preventScroll: true }); // lost with the move
    }
    if (playing !== null && !rows.some((row) => row.dataset.path === playing)) {
      playing = null;
      player.pause(); // it was removed
    }
    for (const row of rows) {
      row.hidden = chosen.emotion !== null && row.dataset.emotion !== chosen.emotion;
      const isPlaying = row.dataset.path === playing;
      const [button] = row.getElementsByClassName("ser-play");
      set(button, "aria-pressed", `${isPlaying}`);
    }
  };

  const addressOf = (path) => {
    const { root, api_prefix: prefix } = globalThis.gradio_config;
    return `${root}${prefix ?? ""}/file=${path.split("/").map(encodeURIComponent).join("/")}`;
  };
  const play = (row) => {
    const path = playing === row.dataset.path ? null : row.dataset.path;
    player.pause();
    playing = path;
    if (path === null) return;
    say("");
    player.src = addressOf(path);
    player.play().catch((error) => {
      if (error.name === "AbortError") return; // another one is played instead
      const name = row.querySelector(".ser-open").textContent;
      say(`This browser cannot play ${name}, or it is no longer on the server.`);
      player.dispatchEvent(new Event("ended"));
    });
  };

  globalThis.serBatch = (element, trigger) => {
    const table = element.querySelector("table");
    const root = element.closest("#ser-batch");
    const seen = { attributes: true, characterData: true, childList: true, subtree: true };
    const observer = new MutationObserver(() => update());
    const update = () => {
      observer.disconnect();
      arrange(table);
      observer.observe(root, seen);
    };
    update();

    const stop = () => {
      player.pause();
      playing = null;
      update();
    };
    player.addEventListener("ended", stop);
    player.addEventListener("pause", () => player.paused && playing && stop());
    document.addEventListener("click", ({ target }) => {
      if (target.closest("[role=tab]")) stop();
    });
    root.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      const row = button.closest("tr[data-row]");
      if (button.closest("th")) {
        const column = button.closest("th").cellIndex;
        chosen.descending = column === chosen.column && !chosen.descending;
        chosen.column = column;
      } else if (button.matches(".ser-count")) {
        const emotion = button.dataset.filter;
        chosen.emotion = emotion === chosen.emotion ? null : emotion;
        say(chosen.emotion === null ? "All are shown." : `Only ${emotion} is shown.`);
      } else if (button.matches("#ser-columns")) {
        set(button, "aria-pressed", `${button.getAttribute("aria-pressed") !== "true"}`);
      } else if (button.matches(".ser-play")) {
        play(row);
      } else if (button.matches(".ser-open")) {
        stop();
        trigger("select", { index: Number(row.dataset.row) });
      }
      update();
    });
  };
})();
