(() => {
  const tip = document.getElementById("tip");
  const titled = new Map();
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    for (const title of svg.querySelectorAll("title")) {
      const owner = title.parentNode;
      if (owner !== svg) { titled.set(owner, title.textContent); owner.setAttribute("aria-label", title.textContent); }
      title.remove();
    }
  }
  const show = (event) => {
    let node = event.target;
    while (node && !titled.has(node)) node = node.parentNode;
    tip.hidden = !node;
    if (!node) return;
    tip.textContent = titled.get(node);
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18 + tip.offsetHeight < innerHeight;
    tip.style.left = Math.max(x, 8) + "px";
    tip.style.top = (below ? event.clientY + 18 : Math.max(event.clientY - tip.offsetHeight - 12, 8)) + "px";
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, true);
  const find = document.getElementById("find");
  if (!find) return;
  find.hidden = false;
  const rows = [...document.getElementById("rows").rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  find.addEventListener("input", () => {
    const wanted = find.value.toLowerCase();
    rows.forEach((row, index) => row.classList.toggle("out", !texts[index].includes(wanted)));
  });
})();
