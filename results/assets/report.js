"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("screen and (prefers-color-scheme: dark)");
  const id = (name) => document.getElementById(name);
  let ink = {};
  const readColours = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["paper", "ink", "faint", "line", "band", "outage", "event", "c0", "c1", "c2", "c3", "c4", "c5", "c6"]) ink[name] = style.getPropertyValue("--" + name).trim();
  };
  const colour = (i) => ink["c" + i % 7];
  const dash = (i) => [[], [8, 4], [2, 3], [10, 3, 2, 3]][Math.floor(i / 7) % 4];

  const three = (v) => v >= 99.95 ? v.toFixed(0) : v >= 9.995 ? v.toFixed(1) : v.toFixed(2);
  const scaled = (v, units) => {
    if (v == null) return "—";
    let u = units[0];
    for (const next of units) if (Math.abs(v) >= next[0]) u = next;
    const n = v / u[0];
    return (Number.isInteger(n) ? String(n) : three(n)) + u[1];
  };
  const time = (ns) => scaled(ns, [[1, " ns"], [1e3, " µs"], [1e6, " ms"], [1e9, " s"]]);
  const rate = (v) => scaled(v, [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]]);
  const nines = (n) => n <= 1 ? "0 %" : n < 10.5 ? (100 - 100 / n).toFixed(0) + " %" : (100 - 100 / n).toFixed(Math.max(Math.ceil(Math.log10(n) - 2.01), 0)) + " %";

  const axis = (values, more) => ({ stroke: ink.faint, grid: { stroke: ink.line, width: 1 }, ticks: { stroke: ink.line, width: 1 }, font: "12px system-ui, sans-serif", values, ...more });
  // A logarithmic axis of times has lines at powers of ten, and where there are few, at twice and five times these.
  const logTimes = () => axis((u, s) => s.map(time), { size: 64, filter: (u, s) => s, splits: (u, i, lo, hi) => {
    const all = [];
    for (let ten = 10 ** Math.floor(Math.log10(lo)); ten <= hi; ten *= 10) for (const n of Math.log10(hi / lo) < 2.5 ? [1, 2, 5] : [1]) if (n * ten >= lo && n * ten <= hi) all.push(n * ten);
    return all;
  } });
  const line = (label, i, value, more) => ({ label, stroke: colour(i), width: 1.75, dash: dash(i), value: (u, v) => value(v), points: { show: (u, s, i0, i1) => i1 - i0 < 60, size: 5 }, ...more });

  // Behind the lines: cases in turn, events, outages; over them the cases' names, where there is room.
  const behind = (named) => ({
    drawClear: (u) => {
      const { left, top, width, height } = u.bbox, ctx = u.ctx;
      const fill = (s, style, least) => {
        const from = Math.max(u.valToPos(s.from, "x", true), left), to = Math.min(Math.max(u.valToPos(s.to, "x", true), from + least), left + width);
        if (to > from) { ctx.fillStyle = style; ctx.fillRect(from, top, to - from, height); }
      };
      ctx.save();
      data.spans.forEach((s, i) => i % 2 === 0 && fill(s, ink.band, 0));
      data.marks.forEach((s) => fill(s, ink.event, 2 * devicePixelRatio));
      data.outages.forEach((s) => fill(s, ink.outage, 2 * devicePixelRatio));
      ctx.restore();
    },
    draw: (u) => {
      if (!named) return;
      const { left, width, top } = u.bbox, ctx = u.ctx, px = devicePixelRatio;
      ctx.save();
      ctx.fillStyle = ink.faint; ctx.font = 11 * px + "px system-ui, sans-serif"; ctx.textBaseline = "bottom"; ctx.textAlign = "left";
      for (const s of data.spans) {
        const from = Math.max(u.valToPos(s.from, "x", true), left), room = Math.min(u.valToPos(s.to, "x", true), left + width) - from - 4 * px;
        let text = s.name;
        while (text.length > 1 && ctx.measureText(text).width > room) text = text.slice(0, text.endsWith("…") ? -2 : -1) + "…";
        if (text.length > 2 || ctx.measureText(text).width <= room) ctx.fillText(text, from + 2 * px, top - 9 * px);
      }
      ctx.restore();
    },
  });

  const charts = [];
  const width = (el) => Math.max(Math.floor(el.clientWidth), 260);
  const draw = (name, make, height) => {
    const el = id(name);
    if (!el) return;
    const made = make(width(el));
    if (!made) { el.remove(); return; }
    const opts = { width: width(el), height: height(width(el)), ...made.opts };
    charts.push({ plot: new uPlot(opts, made.data, el), el, height });
  };

  const last = data.spans.length ? data.spans[data.spans.length - 1].to : 1;
  const timeScale = () => ({ x: { time: false, range: (u, lo, hi) => lo === u.data[0][0] && hi === u.data[0][u.data[0].length - 1] ? [Math.min(data.spans[0].from, lo), last] : [lo, hi] } });
  const seconds = (u, splits) => splits.map((v) => v + " s");
  const timeCursor = { sync: { key: "time" }, drag: { x: true, y: false } };
  const timeAxis = () => axis(seconds);
  const spanAt = (t) => { const s = data.spans.find((s) => t >= s.from && t <= s.to); return s ? " · " + s.name : ""; };
  const marksAt = (t) => [...data.marks, ...data.outages.map((o) => ({ ...o, name: "outage of " + o.name }))].filter((s) => t >= s.from - .5 && t <= s.to + .5).map((s) => " · " + s.name).join("");
  const timeSeries = () => ({ label: "at", value: (u, v) => v == null ? "—" : v.toFixed(1) + " s" + spanAt(v) + marksAt(v) });
  const some = (column) => column && column.some((v) => v != null);

  const throughput = () => {
    const t = data.time, fails = t.errors.some((v) => v > 0);
    return {
      opts: { title: "Messages a second", cursor: timeCursor, scales: { ...timeScale(), y: { range: (u, lo, hi) => [0, (hi || 1) * 1.05] } }, axes: [timeAxis(), axis((u, s) => s.map(rate), { size: 64 })], padding: [26, 12, 0, 0],
        series: [timeSeries(), line("succeeded", 0, rate), ...(fails ? [line("did not", 1, rate, { dash: [8, 4] })] : [])], hooks: { drawClear: [behind(true).drawClear], draw: [behind(true).draw] } },
      data: [t.at, t.rate, ...(fails ? [t.errors] : [])],
    };
  };
  const latency = () => {
    const t = data.time, keys = [["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p99_9", "p99.9"], ["max", "max"]].filter(([k]) => some(t.times[k]));
    if (!keys.length) return null;
    const order = { p50: 0, p90: 2, p99: 1, p99_9: 3, max: 4 };
    return {
      opts: { title: "From due to answer", cursor: timeCursor, scales: { ...timeScale(), y: { distr: 3 } }, axes: [timeAxis(), logTimes()], padding: [8, 12, 0, 0],
        series: [timeSeries(), ...keys.map(([k, name]) => line(name, order[k], time, k === "max" ? { dash: [2, 3], width: 1.25 } : {}))], hooks: { drawClear: [behind(false).drawClear] } },
      data: [t.at, ...keys.map(([k]) => t.times[k].map((v) => v > 0 ? v : null))],
    };
  };
  const brokerLines = (title, key, format) => () => {
    const told = data.brokers.filter((b) => b[key].some((v) => v > 0));
    if (!told.length) return null;
    return {
      opts: { title, cursor: timeCursor, scales: { ...timeScale(), y: { range: (u, lo, hi) => [0, (hi || 1) * 1.05] } }, axes: [timeAxis(), axis((u, s) => s.map(format), { size: 64 })], padding: [8, 12, 0, 0],
        series: [timeSeries(), ...told.map((b, i) => line(b.name, i, format))], hooks: { drawClear: [behind(false).drawClear] } },
      data: [data.time.at, ...told.map((b) => b[key])],
    };
  };

  const curves = (w) => {
    if (!data.curves.length) return null;
    const at = [...new Set(data.curves.flatMap((c) => c.n))].sort((a, b) => a - b);
    const columns = data.curves.map((c) => { const by = new Map(c.n.map((n, i) => [n, c.ns[i]])); return at.map((n) => by.get(n) ?? null); });
    const splits = (u, i, lo, hi) => [1, 2, 4, 10, 20, 100, 1000, 1e4, 1e5, 1e6, 1e7].filter((v) => v >= lo && v <= hi && (w > 480 || v !== 4 && v !== 20 && v !== 2));
    return {
      opts: { scales: { x: { time: false, distr: 3 }, y: { distr: 3 } }, axes: [axis((u, s) => s.map(nines), { splits, filter: (u, s) => s }), logTimes()], padding: [8, 24, 0, 0],
        series: [{ label: "share", value: (u, v) => v == null ? "—" : nines(v) }, ...data.curves.map((c, i) => line(c.name, i, time, { spanGaps: true, points: { show: false } }))] },
      data: [at, ...columns],
    };
  };

  const rates = () => {
    const c = data.capacity;
    if (!c || !c.rate.length) return null;
    const marks = (u) => {
      const { left, top, width, height } = u.bbox, ctx = u.ctx, px = devicePixelRatio;
      const x = (v) => u.valToPos(v, "x", true);
      ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
      if (c.low != null) { ctx.fillStyle = ink.event; ctx.fillRect(x(c.low), top, Math.max(x(c.high) - x(c.low), 2 * px), height); }
      for (const [v, name, dashes] of [[c.holds, "holds", [6, 4]], [c.knee, "knee", [2, 3]]]) {
        if (v == null) continue;
        ctx.strokeStyle = ctx.fillStyle = ink.ink; ctx.lineWidth = 1.5 * px; ctx.setLineDash(dashes.map((d) => d * px));
        ctx.beginPath(); ctx.moveTo(x(v), top); ctx.lineTo(x(v), top + height); ctx.stroke();
        ctx.font = 12 * px + "px system-ui, sans-serif"; ctx.textBaseline = "top"; ctx.textAlign = "left";
        const text = name + " " + rate(v) + "/s", wide = ctx.measureText(text).width;
        ctx.fillText(text, x(v) + 4 * px + wide > left + width ? x(v) - wide - 4 * px : x(v) + 4 * px, top + (name === "knee" ? 20 : 4) * px);
      }
      ctx.restore();
    };
    const told = ["p50", "p90", "p99", "p99.9"].filter((q) => some(c.times[q]));
    if (!told.length) return null;
    const top = told.filter((q) => c.times[q].every((v) => v != null)).pop() || told[told.length - 1], column = c.times[top];
    const only = (column, found) => column.map((v, i) => found(c.found[i]) && v > 0 ? v : null);
    const dots = (label, i, value, shape) => ({ label, stroke: colour(i), fill: colour(i), paths: () => null, value: (u, v) => value(v), points: { show: true, size: shape, fill: colour(i), stroke: colour(i) } });
    return {
      opts: { scales: { x: { time: false, range: (u, lo, hi) => [0, hi * 1.05] }, y: { distr: 3 } }, axes: [axis((u, s) => s.map((v) => rate(v) + "/s")), logTimes()], padding: [8, 24, 0, 0],
        series: [{ label: "rate", value: (u, v) => v == null ? "—" : rate(v) + "/s" }, ...told.map((q, i) => line(q, [0, 5, 4, 6][i], time, { points: { show: false }, dash: [[], [8, 4], [2, 3], [10, 3, 2, 3]][i] })), dots(top + ", held", 2, time, 8), dots(top + ", broke", 1, time, 12), ...(c.found.includes("limited") ? [dots(top + ", limited by the generator", 3, time, 10)] : [])], hooks: { draw: [marks] } },
      data: [c.rate, ...told.map((q) => c.times[q]), only(column, (f) => f === "held"), only(column, (f) => f === "broke"), ...(c.found.includes("limited") ? [only(column, (f) => f === "limited")] : [])],
    };
  };

  // Cividis, in nine steps: even in lightness, and read alike with any colour sight.
  const cividis = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [254, 232, 56]];
  const shade = (share) => {
    const at = Math.min(Math.max(share, 0), 1) * 8, i = Math.min(Math.floor(at), 7);
    return "rgb(" + cividis[i].map((c, k) => Math.round(c + (cividis[i + 1][k] - c) * (at - i))).join(",") + ")";
  };
  const heat = () => {
    const el = id("heat"), choice = id("heatcase");
    if (!el) return;
    if (!choice.options.length) {
      data.heat.forEach((h, i) => choice.add(new Option(h.name, i)));
      choice.addEventListener("change", heat);
    }
    const h = data.heat[choice.value || 0], px = devicePixelRatio, w = width(el), narrow = w < 480;
    const rows = h.queues.length, bars = h.at.length === 0, each = Math.max(Math.min(18, 420 / rows), 3), high = rows * each;
    const canvas = document.createElement("canvas"), ctx = canvas.getContext("2d");
    ctx.font = "12px system-ui, sans-serif";
    const left = Math.min(Math.max(...h.queues.map((q) => ctx.measureText(q).width)) + 10, w * (narrow ? .32 : .25)), right = 66, foot = 22, plot = w - left - right;
    canvas.width = w * px; canvas.height = (high + foot) * px; canvas.style.width = w + "px"; canvas.style.height = high + foot + "px";
    ctx.scale(px, px); ctx.font = Math.min(12, each + 3) + "px system-ui, sans-serif"; ctx.textBaseline = "middle";
    const most = Math.max(1, ...h.counts.flat());
    const every = Math.ceil(13 / each);
    h.queues.forEach((name, q) => {
      if (q % every) return;
      ctx.fillStyle = ink.faint; ctx.textAlign = "right";
      while (name.length > 2 && ctx.measureText(name).width > left - 8) name = "…" + name.slice(name.startsWith("…") ? 2 : 1);
      ctx.fillText(name, left - 6, (q + .5) * each);
    });
    if (bars) {
      const mean = h.counts[0].reduce((a, b) => a + b, 0) / rows;
      h.counts[0].forEach((n, q) => { ctx.fillStyle = ink.c0; ctx.fillRect(left, q * each + 1, plot * n / most, each - 2); });
      ctx.strokeStyle = ink.c1; ctx.lineWidth = 2; ctx.setLineDash([5, 4]); ctx.beginPath(); ctx.moveTo(left + plot * mean / most, 0); ctx.lineTo(left + plot * mean / most, high); ctx.stroke();
    } else {
      const from = h.at[0], to = h.at[h.at.length - 1] || 1, x = (t) => left + plot * (t - from) / (to - from);
      h.counts.forEach((row, i) => row.forEach((n, q) => { ctx.fillStyle = shade(n / most); ctx.fillRect(x(h.at[i]), q * each, Math.ceil(x(h.at[i + 1]) - x(h.at[i]) + .5), Math.ceil(each)); }));
      ctx.fillStyle = ink.faint; ctx.font = "12px system-ui, sans-serif"; ctx.textBaseline = "top";
      for (let i = 0; i <= 4; i++) {
        const t = from + (to - from) * i / 4;
        ctx.textAlign = i === 0 ? "left" : i === 4 ? "right" : "center";
        if (!narrow || i % 2 === 0) ctx.fillText(t.toFixed(1) + " s", x(t), high + 6);
      }
      for (let i = 0; i < 50; i++) { ctx.fillStyle = shade(1 - i / 50); ctx.fillRect(w - right + 10, high * i / 50, 12, high / 50 + 1); }
      ctx.fillStyle = ink.faint; ctx.textAlign = "left"; ctx.fillText(rate(most), w - right + 26, 0); ctx.textBaseline = "bottom"; ctx.fillText("0", w - right + 26, high);
    }
    canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", "messages by queue of " + h.name);
    canvas.addEventListener("mousemove", (e) => {
      const q = Math.min(Math.max(Math.floor(e.offsetY / each), 0), rows - 1);
      let i = 0;
      if (!bars) { const t = h.at[0] + (h.at[h.at.length - 1] - h.at[0]) * (e.offsetX - left) / plot; while (i < h.counts.length - 1 && h.at[i + 1] < t) i++; }
      canvas.title = h.queues[q] + ": " + rate(h.counts[i][q]) + (bars ? " messages" : " messages a second, from " + h.at[i].toFixed(1) + " s on");
    });
    el.replaceChildren(canvas);
    id("heatnote").textContent = bars ? "Messages that each queue took; the dashed line is an even share." : "Messages a second that each queue took, over the seconds of the run; bright is many. Point at a place for its number.";
  };

  const all = () => {
    for (const c of charts.splice(0)) c.plot.destroy();
    readColours();
    const flat = (w) => w < 480 ? 190 : 220, tall = (w) => w < 480 ? 260 : 340;
    draw("throughput", throughput, flat);
    draw("latency", latency, flat);
    draw("brokers", brokerLines("Messages a second that brokers say they stored, of all topics", "put", rate), flat);
    draw("waiting", brokerLines("Requests that wait in the brokers for a thread", "queue", rate), flat);
    draw("curve", curves, tall);
    draw("rates", rates, tall);
    if (data.heat.length) heat();
  };
  const resized = () => { for (const c of charts) c.plot.setSize({ width: width(c.el), height: c.height(width(c.el)) }); if (data.heat.length) heat(); };
  all();
  let wide = document.documentElement.clientWidth;
  addEventListener("resize", () => { if (document.documentElement.clientWidth !== wide) { wide = document.documentElement.clientWidth; resized(); } });
  dark.addEventListener("change", all);
  const paper = (on) => { document.body.style.width = on ? "700px" : ""; all(); }; // what fits on A4 and on letter
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], first = [...body.rows];
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = th.textContent; if (th.title) button.title = th.title;
      th.replaceChildren(button);
      button.addEventListener("click", () => {
        const turn = { none: "descending", descending: "ascending", ascending: "none" }[th.getAttribute("aria-sort") || "none"];
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        if (turn !== "none") th.setAttribute("aria-sort", turn);
        const key = (row) => { const cell = row.cells[column], sort = cell.dataset.sort ?? ""; return sort !== "" || !th.classList.contains("left") ? sort : cell.textContent.trim(); };
        const known = (k) => k !== "" && k !== "—";
        const order = (a, b) => {
          const x = key(a), y = key(b);
          if (known(x) !== known(y)) return known(x) ? -1 : 1; // what isn't known comes last, either way
          const n = x !== "" && y !== "" && isFinite(x) && isFinite(y) ? x - y : x.localeCompare(y);
          return turn === "ascending" ? n : -n;
        };
        body.replaceChildren(...(turn === "none" ? first : [...first].sort(order)));
      });
    });
  }
  document.documentElement.dataset.drawn = String(charts.length + (data.heat.length ? 1 : 0));
})();
