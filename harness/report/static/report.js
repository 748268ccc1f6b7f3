"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const chunks = [...document.querySelectorAll("article.chunk")];
  if (!chunks.length) return;
  const byId = (id) => document.getElementById(id);
  const store = `tts-soak marks ${data.run_id}`;
  const marks = new Map(data.items.map((item, i) => [i, item.mark]).filter(([, mark]) => mark.mark || mark.note));
  let current = -1;

  // ---- marks: kept in the browser while reviewing, saved by download
  const key = (i) => `${data.items[i].variant}\u0000${data.items[i].chunk_id}\u0000${data.items[i].attempt}`;
  try {
    const kept = new Map(JSON.parse(localStorage.getItem(store) || "[]"));
    data.items.forEach((_, i) => kept.has(key(i)) && marks.set(i, kept.get(key(i))));
  } catch { /* a browser that keeps nothing for file: pages; the download still works */ }
  const keep = () => {
    try { localStorage.setItem(store, JSON.stringify([...marks].map(([i, mark]) => [key(i), mark]))); } catch { /* as above */ }
    const done = [...marks.values()].filter((mark) => mark.mark).length;
    byId("progress").textContent = `${done} of ${chunks.length} marked`;
  };
  const show = (i) => {
    const mark = marks.get(i) || {};
    for (const button of chunks[i].querySelectorAll("[data-mark]")) button.setAttribute("aria-pressed", String(button.dataset.mark === mark.mark));
    const note = chunks[i].querySelector(".marks input");
    if (document.activeElement !== note) note.value = mark.note || "";
  };
  const set = (i, change) => {
    const mark = { ...(marks.get(i) || {}), ...change };
    if (mark.mark || mark.note) marks.set(i, mark); else marks.delete(i);
    show(i); keep();
  };
  const toggle = (i, word) => set(i, { mark: (marks.get(i) || {}).mark === word ? undefined : word });
  const save = () => {
    const rows = [...marks].sort(([a], [b]) => a - b).map(([i, mark]) => {
      const { variant, chunk_id, attempt, audio_sha256, faults } = data.items[i];
      return { variant, chunk_id, attempt, audio_sha256, faults, mark: mark.mark || null, note: mark.note || "" };
    });
    const text = JSON.stringify({ schema: 1, run_id: data.run_id, saved_utc: new Date().toISOString(), marks: rows }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `marks-${data.run_id}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // ---- takes: one audio element each, made when first heard; a switch keeps the place
  const players = new Map();
  const interpolate = (from, to, pairs, x) => {
    for (let n = 1; n < pairs.length; n++) {
      const a = pairs[n - 1], b = pairs[n];
      if (x <= b[from] || n === pairs.length - 1) return a[to] + ((x - a[from]) * (b[to] - a[to])) / (b[from] - a[from] || 1);
    }
    return null;
  };
  const place = (source, target, seconds) => {
    let found = seconds;
    if (byId("aligned").checked && source.anchors.length > 1 && target.anchors.length > 1) {
      const word = interpolate(1, 0, source.anchors, seconds);
      if (word !== null) found = interpolate(0, 1, target.anchors, word);
    }
    const end = target.seconds || found;
    return Math.min(Math.max(found, 0), Math.max(end - 0.05, 0));
  };
  const player = (i) => {
    if (!players.has(i)) players.set(i, { take: 0, audio: [chunks[i].querySelector("audio")] });
    return players.get(i);
  };
  const follow = (i, take, audio) => {
    const head = chunks[i].querySelector(".head"), words = [...chunks[i].querySelectorAll("[data-t]")];
    const takes = data.items[i].takes;
    const move = () => {
      if (player(i).take !== take) return;
      const at = place(takes[take], takes[0], audio.currentTime);
      const x = takes[0].seconds ? (100 * at) / takes[0].seconds : 0;
      if (head) { head.setAttribute("x1", x); head.setAttribute("x2", x); }
      let now = null;
      for (const word of words) if (Number(word.dataset.t) <= at + 0.02) now = word;
      for (const word of words) word.classList.toggle("now", word === now && !audio.paused);
      if (!audio.paused) requestAnimationFrame(move);
    };
    for (const event of ["play", "seeked", "pause"]) audio.addEventListener(event, move);
    audio.addEventListener("play", () => {
      for (const [j, other] of players) for (const one of other.audio) if (one && one !== audio && !one.paused) one.pause();
      if (i !== current) go(i, false);
    });
  };
  const address = (i, take) => {  // a page that holds its sounds has each of them once
    const { url } = data.items[i].takes[take];
    if (url === "") return chunks[i].querySelector("audio").getAttribute("src");
    return url.startsWith("@") ? address(...url.slice(1).split(".").map(Number)) : url;
  };
  const element = (i, take) => {
    const found = player(i);
    if (!found.audio[take]) {
      const audio = found.audio[0].cloneNode(false);
      audio.src = address(i, take);
      audio.setAttribute("aria-label", `${data.items[i].takes[take].label}, ${data.items[i].chunk_id}`);
      audio.hidden = true;
      found.audio[0].after(audio);
      found.audio[take] = audio;
      follow(i, take, audio);
    }
    return found.audio[take];
  };
  const seek = (audio, seconds) => {
    if (audio.readyState >= 1) { audio.currentTime = seconds; return; }
    audio.addEventListener("loadedmetadata", () => { audio.currentTime = seconds; }, { once: true });
    audio.preload = "auto"; audio.load();
  };
  const switchTo = (i, take) => {
    const takes = data.items[i].takes, found = player(i);
    if (take === found.take || take >= takes.length || !found.audio[0]) return;
    const before = element(i, found.take), after = element(i, take);
    const playing = !before.paused, at = place(takes[found.take], takes[take], before.currentTime);
    before.pause(); before.hidden = true; after.hidden = false;
    found.take = take;
    seek(after, at);
    if (playing) after.play().catch(() => {});
    chunks[i].querySelectorAll("[data-take]").forEach((button, n) => button.setAttribute("aria-pressed", String(n === take)));
  };
  const play = (i, from) => {
    if (!player(i).audio[0]) return;
    const audio = element(i, player(i).take);
    if (from !== undefined) seek(audio, from);
    if (audio.paused || from !== undefined) audio.play().catch(() => {}); else audio.pause();
  };
  const fault = (i) => {
    const rect = chunks[i].querySelector(".span"), takes = data.items[i].takes;
    const at = rect ? (Number(rect.getAttribute("x")) / 100) * takes[0].seconds : 0;
    play(i, place(takes[0], takes[player(i).take], Math.max(at - 0.5, 0)));
  };
  const go = (i, move = true) => {
    if (i < 0 || i >= chunks.length) return;
    if (current >= 0) {
      chunks[current].classList.remove("current");
      if (move) player(current).audio.forEach((audio) => audio && audio.pause());
    }
    current = i;
    chunks[i].classList.add("current");
    if (move) { chunks[i].focus({ preventScroll: true }); chunks[i].scrollIntoView({ block: "start" }); }
  };

  // ---- the page
  byId("bar").hidden = false;
  chunks.forEach((chunk, i) => {
    chunk.querySelector(".marks").hidden = false;
    chunk.querySelectorAll("[data-mark]").forEach((button) => button.addEventListener("click", () => toggle(i, button.dataset.mark)));
    chunk.querySelector(".marks input").addEventListener("input", (event) => set(i, { note: event.target.value }));
    const audio = chunk.querySelector("audio"), takes = data.items[i].takes;
    if (audio) {
      follow(i, 0, audio);
      const group = document.createElement("div");
      group.className = "takes"; group.setAttribute("role", "group"); group.setAttribute("aria-label", "Takes of this text");
      takes.forEach((take, n) => {
        const button = document.createElement("button");
        button.type = "button"; button.dataset.take = n; button.setAttribute("aria-pressed", String(n === 0));
        button.textContent = take.word ? `${take.label} (${take.word})` : take.label;
        button.addEventListener("click", () => switchTo(i, n));
        group.append(button);
      });
      chunk.querySelector(".player").append(group);
    }
    const scope = chunk.querySelector(".scope");
    if (scope) scope.addEventListener("click", (event) => {
      const box = scope.getBoundingClientRect(), at = ((event.clientX - box.left) / box.width) * takes[0].seconds;
      play(i, place(takes[0], takes[player(i).take], at));
    });
    chunk.querySelectorAll("[data-t]").forEach((word) => word.addEventListener("click", () =>
      play(i, place(takes[0], takes[player(i).take], Number(word.dataset.t)))));
    chunk.addEventListener("focusin", () => { if (i !== current) go(i, false); });
    show(i);
  });
  keep();
  byId("save").addEventListener("click", save);
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  if (/^#q\d+$/.test(location.hash)) go(Number(location.hash.slice(2)) - 1, false);
  window.addEventListener("hashchange", () => { if (/^#q\d+$/.test(location.hash)) go(Number(location.hash.slice(2)) - 1); });
  window.addEventListener("beforeprint", () => document.querySelectorAll("img[loading=lazy]").forEach((image) => { image.loading = "eager"; }));
  window.addEventListener("beforeprint", () => document.querySelectorAll("section:not(#review) details").forEach((part) => { part.open = true; }));

  const actions = {
    j: () => go(current + 1), k: () => go(Math.max(current - 1, 0)), " ": () => play(current),
    b: () => switchTo(current, (player(current).take + 1) % data.items[current].takes.length), s: () => fault(current),
    r: () => toggle(current, "real"), f: () => toggle(current, "false alarm"),
    n: () => chunks[current].querySelector(".marks input").focus(), d: save, "?": () => byId("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const inside = event.target;
    if (event.key === "Escape" && inside.matches(".marks input")) { chunks[current].focus(); return; }
    if (event.ctrlKey || event.altKey || event.metaKey || byId("help").open || !byId("keys").checked) return;
    if (inside.matches("input[type=text], textarea, select")) return;
    if (event.key === " " && inside.matches("button, summary, input, audio, a")) return;
    const action = actions[event.key] || (/^[1-9]$/.test(event.key) ? () => switchTo(current, Number(event.key) - 1) : null);
    if (!action) return;
    if (current < 0 && event.key !== "j" && event.key !== "d" && event.key !== "?") go(0);
    action();
    event.preventDefault();
  });
})();
