// The figure explorer: one script an indicator is loaded when it is asked for, from a server or a disk alike.
"use strict";
(function () {
  const BASIS = 0, LEVEL = 1, UNIT = 2, DOMAIN = 3, ESTIMATE = 4, LOWER = 5, UPPER = 6, NUMERATOR = 7, DENOMINATOR = 8,
    COUNT = 9, MARK = 10;
  const byId = (id) => document.getElementById(id);
  const fields = Object.fromEntries(["edition", "indicator", "view", "level", "unit", "domain", "basis"].map((id) => [id, byId(id)]));
  const loaded = new Map();
  const waiting = new Map();
  const short = new Intl.NumberFormat("fa-IR", { maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat("fa-IR", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

  payesh.take = function (address, indicator, rows) {
    loaded.set(address + "/" + indicator, rows);
  };

  function load(address, indicator) {
    const key = address + "/" + indicator;
    if (loaded.has(key)) return Promise.resolve(loaded.get(key));
    if (!waiting.has(key)) {
      waiting.set(key, new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = "explorer/" + key + ".js";
        script.onload = () => resolve(loaded.get(key) || []);
        script.onerror = () => resolve([]);
        document.head.append(script);
      }));
    }
    return waiting.get(key);
  }

  function fill(select, choices, wanted) {
    const before = wanted || select.value;
    select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
    if (choices.some(([value]) => value === before)) select.value = before;
  }

  const edition = () => payesh.editions.find((one) => one.address === fields.edition.value);
  const unitName = (one, code) => (one.units.find(([, unit]) => unit === code) || [, , code])[2];
  const domainName = (one, code) => (one.domains.find(([domain]) => domain === code) || [, code])[1];
  const digits = (text) => String(text).replace(/\d/g, (d) => String.fromCharCode(0x6f0 + Number(d)));
  const editionName = (one) => "سال " + digits(one.year) + "، دورهٔ " + digits(one.phase) + "، داده‌های تا " + digits(one.address.split("/")[2]);

  function offer() {
    const one = edition();
    fill(fields.indicator, one.indicators.map(([code, name]) => [code, name]), fields.indicator.value || "accuracy_rate");
    fill(fields.domain, one.domains, fields.domain.value || "all");
    fill(fields.unit, one.units.filter(([level]) => level === fields.level.value).map(([, code, name]) => [code, name]));
    const view = fields.view.value;
    fields.unit.disabled = view === "units";
    fields.domain.disabled = view === "domains";
  }

  function form(value) {
    const unit = (edition().indicators.find(([code]) => code === fields.indicator.value) || [])[2];
    if (value === null || value === undefined) return "";
    return unit === "share" ? percent.format(value) : short.format(value);
  }

  const mark = (row) => (row[MARK] ? row[MARK].split(" ").map((sign) => "[" + sign + "]").join(" ") : "");

  async function rows() {
    const view = fields.view.value, indicator = fields.indicator.value;
    const fits = (row) => row[BASIS] === fields.basis.value && row[LEVEL] === fields.level.value &&
      (view === "units" || row[UNIT] === fields.unit.value) && (view === "domains" || row[DOMAIN] === fields.domain.value);
    if (view === "editions") {
      const parts = await Promise.all(payesh.editions.map(async (one) =>
        (await load(one.address, indicator)).filter(fits).map((row) => [editionName(one), row])));
      return parts.flat();
    }
    const one = edition();
    const found = (await load(one.address, indicator)).filter(fits);
    const name = view === "units" ? (row) => unitName(one, row[UNIT]) : (row) => domainName(one, row[DOMAIN]);
    return found.map((row) => [name(row), row]);
  }

  function cell(tag, text, scope) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (scope) made.scope = scope;
    return made;
  }

  function table(found) {
    byId("caption").textContent = fields.indicator.selectedOptions[0].text + " — " + fields.basis.selectedOptions[0].text;
    byId("table").tBodies[0].replaceChildren(...found.map(([name, row]) => {
      const line = document.createElement("tr");
      const signs = cell("td", "");
      const isolated = document.createElement("bdi");
      isolated.dir = "ltr";
      isolated.textContent = mark(row);
      signs.append(isolated);
      line.append(cell("th", name, "row"), ...[ESTIMATE, LOWER, UPPER].map((place) => cell("td", form(row[place]))),
        ...[NUMERATOR, DENOMINATOR, COUNT].map((place) => cell("td", row[place] === null ? "" : short.format(row[place]))), signs);
      return line;
    }));
  }

  function chart(found) {
    const drawn = found.filter(([, row]) => row[ESTIMATE] !== null).sort((a, b) => b[1][ESTIMATE] - a[1][ESTIMATE]).slice(0, 60);
    const width = 720, left = 40, right = 470, step = 24;
    const ends = drawn.flatMap(([, row]) => [row[LOWER] ?? row[ESTIMATE], row[UPPER] ?? row[ESTIMATE]]);
    const low = Math.min(0, ...ends), high = Math.max(...ends, 0) || 1;
    const x = (value) => left + (value - low) / (high - low || 1) * (right - left);
    const make = (name, values) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      Object.entries(values).forEach(([key, value]) => made.setAttribute(key, value));
      return made;
    };
    const foot = 24, height = drawn.length * step + foot;
    const picture = make("svg", { viewBox: "0 0 " + width + " " + height, class: "dots", role: "img", direction: "ltr" });
    const title = make("title", {});
    title.textContent = "نمودار " + fields.indicator.selectedOptions[0].text + "، " + digits(drawn.length) + " رقم به ترتیب؛ ارقام در جدول است";
    picture.append(title);
    [low, (low + high) / 2, high].forEach((value) => {
      const scale = make("text", { x: x(value), y: height - 6, "text-anchor": "middle" });
      scale.textContent = form(value);
      picture.append(make("line", { class: "grid", x1: x(value), x2: x(value), y1: 0, y2: height - foot }), scale);
    });
    drawn.forEach(([name, row], place) => {
      const y = place * step + step / 2;
      if (row[LOWER] !== null) picture.append(make("line", { x1: x(row[LOWER]), x2: x(row[UPPER]), y1: y, y2: y, "stroke-width": 2 }));
      picture.append(make("circle", { cx: x(row[ESTIMATE]), cy: y, r: 4 }));
      const label = make("text", { x: width - 4, y: y + 5, "text-anchor": "end", direction: "ltr" });
      label.textContent = "\u2067" + name + "\u2069";
      picture.append(label);
    });
    byId("chart").replaceChildren(...(drawn.length ? [picture] : []));
  }

  let shown = [];
  async function show() {
    offer();
    shown = await rows();
    byId("told").textContent = shown.length ? digits(shown.length) + " رقم" : "در این ویرایش برای این انتخاب رقمی نیست.";
    table(shown);
    chart(shown);
  }

  // A name that begins like a formula must stay a text in a spreadsheet.
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return '"' + (/^[=+\-@\t\r]/.test(text) && isNaN(Number(text)) ? "'" + text : text).replace(/"/g, '""') + '"';
  };

  function save() {
    const head = ["name", "basis", "level", "unit_code", "domain", "estimate", "lower", "upper", "numerator", "denominator", "n", "mark"];
    const lines = shown.map(([name, row]) => [name, ...row].map(quoted).join(","));
    const file = new Blob(["\ufeff" + [head.join(","), ...lines].join("\r\n") + "\r\n"], { type: "text/csv" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = "payesh-" + fields.edition.value.replaceAll("/", "-") + "-" + fields.indicator.value + ".csv";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  if (!payesh.editions.length) {
    byId("told").textContent = "هنوز ویرایشی با دادهٔ باز منتشر نشده است.";
    return;
  }
  fill(fields.edition, payesh.editions.map((one) => [one.address, editionName(one)]), location.hash.slice(1));
  Object.values(fields).forEach((field) => field.addEventListener("change", show));
  byId("save").addEventListener("click", save);
  show();
})();
