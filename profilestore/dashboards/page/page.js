"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words;
  const state = { page: 0, choice: data.pages.map((page) => page.first), theme: "light", round: 0 };
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // A number as its unit says; the thousands apart.
  const shown = (value, unit) => {
    if (value === null || value === undefined) return "–";
    if (unit.kind === "text" || typeof value !== "number") return String(value);
    const number = unit.kind === "share" ? value * 100 : value;
    const digits = { minimumFractionDigits: unit.decimals, maximumFractionDigits: unit.decimals };
    return number.toLocaleString("en-US", digits) + (unit.kind === "share" ? "%" : "");
  };
  const suffixed = (value, unit) => {
    const text = shown(value, unit);
    return unit.suffix && text !== "–" ? `${text} ${unit.suffix}` : text;
  };

  // Columns of the file as rows.
  const rowsOf = (columns) => {
    if (!columns) return [];
    const names = Object.keys(columns);
    const length = names.length ? columns[names[0]].length : 0;
    return Array.from({ length }, (_, place) => Object.fromEntries(names.map((name) => [name, columns[name][place]])));
  };
  const owner = (key) => (key === "all" ? null : data.owners[key]);
  const rowsFor = (panel, key) => {
    const by = owner(key);
    return rowsOf(panel.rows[by === null || panel.covered.includes(by) ? key : "all"]);
  };

  const look = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: null, font, view: { stroke: null }, padding: 2,
      axis: { labelColor: of("--soft"), titleColor: of("--soft"), gridColor: of("--line"), domainColor: of("--line"),
        tickColor: of("--line"), labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500 },
      legend: { labelColor: of("--text"), titleColor: of("--text"), labelFontSize: 11 },
      text: { fill: of("--text"), fontSize: 11 },
    };
  };

  const drawMetric = (box, panel, rows) => {
    const [first, second] = panel.measures;
    const big = element("div", shown(rows[0].m0, first.unit), "number");
    if (first.unit.suffix) big.append(" ", element("small", first.unit.suffix));
    box.append(big, element("div", first.label, "under"));
    if (second) box.append(element("div", `${suffixed(rows[0].m1, second.unit)} ${second.label}`, "under"));
  };

  const drawTable = (box, panel, rows) => {
    const scroll = element("div", undefined, "scroll");
    scroll.tabIndex = 0;
    const table = element("table");
    const head = element("tr");
    for (const label of panel.keys) head.append(element("th", label));
    const numeric = panel.measures.map((measure) => measure.unit.kind !== "text");
    panel.measures.forEach((measure, place) => {
      const suffix = measure.unit.suffix ? ` (${measure.unit.suffix})` : "";
      head.append(element("th", measure.label + suffix, numeric[place] ? "n" : ""));
    });
    head.querySelectorAll("th").forEach((cell) => cell.setAttribute("scope", "col"));
    const top = element("thead");
    top.append(head);
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      panel.keys.forEach((_, place) => line.append(element("td", row[`k${place}`])));
      panel.measures.forEach((measure, place) =>
        line.append(element("td", shown(row[`m${place}`], measure.unit), numeric[place] ? "n" : "")));
      body.append(line);
    }
    table.append(top, body);
    scroll.append(table);
    box.append(scroll);
  };

  // What depends on the rows and the size; fitting.py does the same for pictures.
  const wide = (text) => [...String(text)].reduce((sum, sign) => sum + (sign.codePointAt(0) > 0x2e7f ? 12 : 6.5), 0);
  const longest = (texts) => Math.max(0, ...texts.map(wide));
  const fitted = (panel, rows, width, height) => {
    const spec = structuredClone(panel.spec);
    const { lying, labelled, series } = spec.usermeta;
    const names = lying ? [...new Set(rows.map((row) => row.k0))] : [];
    const left = lying ? Math.min(190, longest(names)) + 20 : 50;
    const top = Math.max(...rows.map((row) => row.m0 ?? 0));
    spec.data = { ...spec.data, values: rows };
    spec.width = Math.max(120, width);
    spec.height = Math.max(60, lying ? Math.min(height, names.length * 44 + 70) : height);
    spec.autosize = { type: "fit", contains: "padding" };
    if (labelled && top > 0) {
      const text = longest(rows.map((row) => shown(row.m0, panel.measures[0].unit))) + 8;
      spec.encoding.x.scale = { domainMax: (top * (width - left)) / Math.max(40, width - left - text), nice: false };
    }
    const colour = (spec.layer ? spec.layer[0].encoding : spec.encoding)?.color;
    if (colour?.legend?.columns) {
      const each = Math.min(160, longest(series)) + 34;
      colour.legend.columns = Math.max(1, Math.floor((width - left) / each));
    }
    return spec;
  };

  const drawChart = async (box, panel, rows) => {
    const spec = fitted(panel, rows, box.clientWidth - 4, box.clientHeight - 4);
    const place = element("div");
    box.append(place);
    const made = await vegaEmbed(place, spec, { actions: false, renderer: "svg", config: look(), tooltip: { theme: state.theme } });
    const svg = place.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", panel.spec.description);
    return made;
  };

  const made = [];
  const fill = async (figure, panel, key) => {
    const box = figure.querySelector(".chart");
    const by = owner(key);
    const out = by !== null && panel.kind !== "markdown" && !panel.covered.includes(by);
    figure.querySelector(".outside").textContent = out ? ` · ${words.outside}` : "";
    if (panel.kind === "markdown") {
      figure.dataset.state = "shown";
      box.append(element("p", panel.content, "words"));
      return;
    }
    const rows = rowsFor(panel, key);
    figure.dataset.rows = rows.length;
    if (rows.length === 0) {
      const none = rowsFor(panel, data.pages[state.page].first).length === 0;
      figure.dataset.state = none ? "missing" : "none";
      box.append(element("p", none ? panel.missing : words.nothing, "missing"));
      return;
    }
    figure.dataset.state = "shown";
    if (panel.kind === "metric") drawMetric(box, panel, rows);
    else if (panel.kind === "table") drawTable(box, panel, rows);
    else made.push(await drawChart(box, panel, rows));
  };

  const drawPage = async () => {
    const round = ++state.round;
    document.body.removeAttribute("data-ready");
    const page = data.pages[state.page];
    const key = state.choice[state.page];
    while (made.length) made.pop().finalize();
    const grid = document.getElementById("grid");
    const figures = page.panels.map((panel) => {
      const figure = element("figure", undefined, panel.kind === "metric" ? "tile" : "");
      figure.id = panel.id;
      figure.dataset.kind = panel.kind;
      const { x, y, w, h } = panel.place;
      figure.style.gridColumn = `${x + 1} / span ${w}`;
      figure.style.gridRow = `${y + 1} / span ${h}`;
      const caption = element("figcaption");
      const title = element("h2", panel.title);
      title.id = `${panel.id}-title`;
      title.append(element("span", "", "outside"));
      caption.append(title);
      if (panel.description) { caption.append(element("p", panel.description)); figure.title = panel.description; }
      figure.setAttribute("aria-labelledby", title.id);
      figure.append(caption, element("div", undefined, "chart"));
      return figure;
    });
    grid.replaceChildren(...figures);
    await Promise.all(figures.map((figure, place) => fill(figure, page.panels[place], key)));
    if (round === state.round) document.body.dataset.ready = `${page.name} ${key} ${state.theme}`;
  };

  const drawControls = () => {
    const page = data.pages[state.page];
    const form = document.getElementById("controls");
    const selects = page.controls.map((control) => {
      const label = element("label", control.title);
      const select = element("select");
      select.id = control.id;
      if (!control.always) select.append(new Option(words.all, "all"));
      for (const choice of control.choices) select.append(new Option(choice.label, choice.key));
      select.disabled = control.choices.length === 0;
      if (select.disabled && control.always) select.append(new Option("–", ""));
      const key = state.choice[state.page];
      if (control.choices.some((choice) => choice.key === key)) select.value = key;
      select.addEventListener("change", () => {
        state.choice[state.page] = select.value;
        for (const other of form.querySelectorAll("select")) if (other !== select) other.value = "all";
        drawPage();
      });
      label.append(select);
      return label;
    });
    form.replaceChildren(...selects);
    document.getElementById("about").textContent = page.description;
    document.getElementById("note").textContent = page.note;
  };

  const open = (place) => {
    state.page = place;
    document.querySelectorAll("#pages button").forEach((button, other) => button.setAttribute("aria-selected", other === place));
    history.replaceState(null, "", `#${data.pages[place].name}`);
    drawControls();
    return drawPage();
  };

  const paint = (theme) => {
    state.theme = theme;
    document.documentElement.dataset.theme = theme;
    document.getElementById("theme").textContent = theme === "dark" ? words.light : words.dark;
  };

  document.getElementById("shop").textContent = data.title;
  document.getElementById("made").textContent = data.made;
  data.pages.forEach((page, place) => {
    const button = element("button", page.title);
    button.type = "button";
    button.id = `page-${page.name}`;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => open(place));
    document.getElementById("pages").append(button);
  });
  document.getElementById("theme").addEventListener("click", () => {
    paint(state.theme === "dark" ? "light" : "dark");
    drawPage();
  });
  let waiting;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawPage, 200); });
  paint(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const wanted = data.pages.findIndex((page) => `#${page.name}` === location.hash);
  open(Math.max(0, wanted));
})();
