"use strict";
(() => {
  const picture = document.getElementById("picture");
  const bins = [...document.querySelectorAll("script.bins")].map((data) => JSON.parse(data.textContent));
  if (!picture || !bins.length) return;
  document.documentElement.classList.add("live");
  const cursor = document.getElementById("cursor");
  const said = [...document.querySelectorAll("#readout .said")];
  const count = bins[0].length;
  let at = -1;

  picture.tabIndex = 0;
  picture.setAttribute("role", "slider");
  picture.setAttribute("aria-label", "A moment of the run");
  picture.setAttribute("aria-valuemin", "0");
  picture.setAttribute("aria-valuemax", String(count - 1));
  picture.setAttribute("aria-valuenow", "0");

  function show(next) {
    at = Math.min(count - 1, Math.max(0, next));
    cursor.hidden = false;
    cursor.style.left = `${(100 * (at + 0.5)) / count}%`;
    said.forEach((element, panel) => { element.textContent = bins[panel][at]; });
    picture.setAttribute("aria-valuenow", String(at));
    picture.setAttribute("aria-valuetext", bins[0][at]);
  }

  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * count));
  });
  picture.addEventListener("keydown", (event) => {
    if (event.target !== picture) return;
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: count - 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    show(steps[event.key]);
  });
  // What is folded away would be missing on paper.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
