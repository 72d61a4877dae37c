// Search over titles and places; its index is a script beside it, so that it works from a disk too.
"use strict";
(function () {
  const query = document.getElementById("query");
  const list = document.getElementById("found");
  const told = document.getElementById("found-count");
  const numbers = new Intl.NumberFormat("fa-IR");
  const most = 30;
  // The same letters in one writing: Arabic ya and kaf, digits of three scripts, no half-space.
  function plain(text) {
    return text.normalize("NFKC").replace(/ي|ى/g, "ی").replace(/ك/g, "ک").replace(/ۀ/g, "ه").replace(/[أإآ]/g, "ا")
      .replace(/[\u200c\u200f\u200e\u0640\u064b-\u0655]/g, "").replace(/[۰-۹]/g, (d) => d.charCodeAt(0) - 0x6f0)
      .replace(/[٠-٩]/g, (d) => d.charCodeAt(0) - 0x660).replace(/\s+/g, " ").trim().toLowerCase();
  }
  const entries = payesh.entries.map((entry) => ({ entry, key: plain(entry[0] + " " + entry[1]) }));
  function show() {
    const words = plain(query.value).split(" ").filter(Boolean);
    const hits = words.length ? entries.filter(({ key }) => words.every((word) => key.includes(word))) : [];
    list.replaceChildren(...hits.slice(0, most).map(({ entry: [title, when, address] }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const [year, phase] = when.split("-");
      link.href = address;
      link.textContent = title + "، سال " + numbers.format(year).replace("٬", "") + "، دورهٔ " + numbers.format(phase);
      item.append(link);
      return item;
    }));
    told.textContent = words.length ? numbers.format(hits.length) + " بولتن یافت شد" +
      (hits.length > most ? "؛ " + numbers.format(most) + " تای نخست نشان داده شده است" : "") : "";
  }
  query.addEventListener("input", show);
  show();
})();
