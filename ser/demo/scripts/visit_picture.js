// A picture of a result to send, in the colours of the light page.
(() => {
  const { about, byId, colour, percent, save } = serVisit;
  const WIDTH = 1200;
  const EDGE = 72;
  const INK = "#23282f";
  const SOFT = "#525b68";

  const lines = (pen, text, width) => {
    const found = [""];
    const fits = (piece) => pen.measureText(piece).width <= width;
    const pieces = (word) => { // of one that is longer than a line, as names of files can be
      const letters = [...word];
      let end = letters.length;
      while (end > 1 && !fits(letters.slice(0, end).join(""))) end -= 1;
      const rest = letters.slice(end).join("");
      return [letters.slice(0, end).join(""), ...(rest ? pieces(rest) : [])];
    };
    for (const word of text.split(/\s+/).flatMap(pieces)) {
      const longer = `${found.at(-1)} ${word}`.trim();
      if (fits(longer)) found[found.length - 1] = longer;
      else found.push(word);
    }
    return found.filter(Boolean);
  };

  // Each part is drawn at a height and returns how much further down the next one is.
  const draw = (pen, { headline, sure, name, result, time }) => {
    const font = (size, weight = 400) => {
      pen.font = `${weight} ${size}px "IBM Plex Sans", sans-serif`;
    };
    const write = (text, x, y, ink, align = "left") => {
      pen.fillStyle = ink;
      pen.textAlign = align;
      pen.fillText(text, x, y);
    };
    const paragraph = (text, y, ink, size) => {
      font(size);
      const wrapped = lines(pen, text, WIDTH - 2 * EDGE);
      wrapped.forEach((line, row) => write(line, EDGE, y + row * size * 1.4, ink));
      return wrapped.length * size * 1.4;
    };
    const bar = (x, y, width, ink) => {
      pen.fillStyle = ink;
      pen.beginPath();
      pen.roundRect(x, y, width, 18, Math.min(9, width / 2));
      pen.fill();
    };
    const root = document.documentElement;
    const light = (label) => colour(label, root);

    let y = 150;
    font(88, 700);
    write(headline, EDGE, y, light(result.emotion));
    font(40);
    y += 62;
    const voice = result.reference ? ", relative to the speaker’s voice" : "";
    write(`${sure}, ${percent(result.confidence)}${voice}`, EDGE, y, SOFT);
    y += 70;
    for (const [label, share] of Object.entries(result.probabilities)) {
      const isTop = label === result.emotion;
      font(30, isTop ? 700 : 400);
      write(label, EDGE, y, isTop ? INK : SOFT);
      write(percent(share), WIDTH - EDGE, y, isTop ? INK : SOFT, "right");
      const width = WIDTH - 2 * EDGE - 360;
      bar(EDGE + 230, y - 20, width, "#f3f5f7");
      bar(EDGE + 230, y - 20, width * share, light(label));
      y += 52;
    }
    y += 20;
    for (const doubt of result.warnings) y += paragraph(doubt, y, "#8a4b00", 28) + 10;
    y += 20;
    const day = time.toLocaleDateString("en-GB", {
      day: "numeric",
      month: "long",
      year: "numeric",
    });
    y += paragraph(`\u2068${name}\u2069, ${day}. Model: ${about("model")}.`, y, SOFT, 26);
    y += paragraph(about("caution"), y, SOFT, 26);
    return y + EDGE - 36;
  };

  const picture = async (entry) => {
    await document.fonts.ready;
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    canvas.width = WIDTH;
    canvas.height = Math.ceil(draw(pen, entry)); // once to know how high it is
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    draw(pen, entry);
    const content = await new Promise((done) => canvas.toBlob(done, "image/png"));
    save(`${entry.name.replace(/\.\w+$/, "")}.png`, content);
  };
  document.addEventListener("click", ({ target }) => {
    const place = target.closest('[data-do="picture"]')?.closest("[data-id]");
    if (place) picture(byId(place.dataset.id));
  });
})();
