(() => {
  const box = document.getElementById("search");
  const found = document.getElementById("found");
  const cards = [...document.querySelectorAll("[data-card]")];
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const folds = [...document.querySelectorAll("details")];
  let wasOpen = null;
  const apply = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && wasOpen === null) wasOpen = folds.map((fold) => fold.open);
    let hits = 0;
    cards.forEach((card, place) => {
      const isHit = words.every((word) => texts[place].includes(word));
      card.hidden = !isHit;
      if (isHit) hits += 1;
    });
    folds.forEach((fold, place) => {
      const hasHit = fold.querySelector("[data-card]:not([hidden])") !== null;
      if (words.length) fold.open = hasHit;
      else if (wasOpen !== null) fold.open = wasOpen[place];
      fold.classList.toggle("dim", words.length > 0 && !hasHit);
    });
    if (!words.length) wasOpen = null;
    found.textContent = words.length ? `${hits} of ${cards.length} shown rows` : "";
  };
  box.addEventListener("input", apply);
  if (box.value) apply();
})();
