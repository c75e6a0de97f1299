//! The structures as surfaces: meshes and pictures are made on threads of their own, and the last ones are shown until newer ones come.
use super::{
    Canvas, colour,
    overlay::{plane_colour, words},
};
use crate::{
    app::{
        command::{Command, ViewCommand},
        job::Job,
        state::{AppState, VisitId, VisitState},
    },
    measure::{
        GrowthMap, KoosBasis, Mesh, Plane, Verdict, growth_between, signed_distances_mm,
        surface_meshes,
    },
    render::scene::{
        Camera, ColourScale, Cut, CutMode, PlaneLine, Quality, Scene, Surface, ViewFrom,
    },
    volume::{LabelMap, Observe, Progress, Structure, sides_are_told},
};
use egui::{
    Align2, Color32, ColorImage, FontId, PointerButton, Pos2, Rect, Response, Role, Sense,
    TextureHandle, TextureOptions, Ui, Vec2, WidgetInfo,
};
use image::RgbaImage;
use std::{ops::ControlFlow, sync::Arc};

/// Distance to the brainstem at the far end of the colours, mm.
const FAR_MM: f64 = 15.0;
/// Growth at the ends of the colours, mm.
const GROWTH_MM: f64 = 3.0;
/// Opacity of what lies around tumour and cochleae.
const SHELL: f64 = 0.35;
/// A drag of the wheel by one notch magnifies by this.
const NOTCH: f64 = 1.15;
const TEXT: Color32 = Color32::from_gray(225);
const CAUTION: Color32 = Color32::from_rgb(255, 170, 60);
const BACKGROUND: [u8; 4] = [14, 14, 14, 255];

/// The compression at the ends of the colours, mm.
const COMPRESSION_MM: f64 = 5.0;

/// What meshes are made of: a visit's outlines of one revision, those before them where growth is shown, and whether the evidence of the grade is there.
type Of = (VisitId, u64, Option<(VisitId, u64)>, bool);

/// Meshes, and the tumour's colours.
#[derive(Debug)]
struct Meshes {
    of: Of,
    surfaces: Vec<(Structure, Arc<Mesh>)>,
    /// By distance to the brainstem, or by growth; none where that is not known.
    tumour: Option<Arc<[[u8; 3]]>>,
    /// The same with its contact marked; none without contact.
    contact: Option<Arc<[[u8; 3]]>>,
    /// How deep the brainstem is pressed in; none where there is no mirror.
    compression: Option<Arc<[[u8; 3]]>>,
    /// Growth since the visit before.
    growth: Option<GrowthMap>,
}

/// The outlines before, and what takes their patient space to that of the shown ones.
type Earlier = (Arc<LabelMap>, glam::DAffine3);

/// Everything that a picture depends on besides the meshes.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    of: Of,
    camera: Camera,
    size_px: [u32; 2],
    crosshair: glam::DVec3,
    frames: [glam::DVec3; 3],
    cut: bool,
    lines: bool,
    koos: [bool; 2],
    shown: [bool; Structure::ALL.len()],
    quality: Quality,
}

type Making = Job<Progress, Option<Meshes>>;
type Drawing = Job<(), (Asked, Scene, RgbaImage)>;

/// What is shown and what is being made.
#[derive(Default)]
pub(in crate::app) struct Solid {
    meshes: Option<Meshes>,
    making: Option<(Of, Making)>,
    /// Outlines of this revision have no surface that can be shown.
    failed: Option<Of>,
    drawing: Option<Drawing>,
    drawn: Option<(Asked, Scene, TextureHandle)>,
}

impl std::fmt::Debug for Solid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Solid");
        out.field("meshes", &self.meshes.as_ref().map(|m| m.of));
        out.finish_non_exhaustive()
    }
}

impl Solid {
    /// Takes in what has been made, and begins to make what is missing.
    fn sync(&mut self, ui: &Ui, state: &AppState, visit: &VisitState) {
        let before = earlier(state, visit);
        let of = of(visit, before.as_ref());
        if let Some((what, job)) = &mut self.making {
            if let ControlFlow::Break(made) = job.poll() {
                let what = *what;
                self.making = None;
                match made.flatten() {
                    Some(meshes) => self.meshes = Some(meshes),
                    None => self.failed = Some(what),
                }
            } else if *what != of {
                // Older outlines are not waited for.
                job.cancel();
            }
        }
        let Some(outlines) = &visit.outlines else {
            self.meshes = None;
            return;
        };
        let there = self.meshes.as_ref().is_some_and(|m| m.of == of);
        if there || self.making.is_some() || self.failed == Some(of) {
            return;
        }
        let (labels, ctx) = (Arc::clone(&outlines.labels), ui.ctx().clone());
        let (before, basis) = (before.map(|(_, earlier)| earlier), outlines.tumour.clone());
        let work = move |observe: &mut Observe<'_>| {
            let made = meshes(of, &labels, before.as_ref(), observe)?;
            Some(made.with_evidence(basis.as_deref()))
        };
        let job = Job::spawn("surfaces", move || ctx.request_repaint(), work);
        match job {
            Ok(job) => self.making = Some((of, job)),
            Err(error) => log::error!("no thread for surfaces: {error}"),
        }
    }

    /// Has the picture drawn that is asked for, unless it is there or one is being drawn.
    fn draw(&mut self, ui: &Ui, asked: &Asked, scene: impl FnOnce(&Meshes) -> Scene) {
        if let Some(job) = &mut self.drawing {
            let ControlFlow::Break(done) = job.poll() else {
                return;
            };
            self.drawing = None;
            if let Some((asked, scene, picture)) = done {
                let size = [picture.width() as usize, picture.height() as usize];
                let picture = ColorImage::from_rgba_unmultiplied(size, picture.as_raw());
                let texture = ui
                    .ctx()
                    .load_texture("solid", picture, TextureOptions::LINEAR);
                self.drawn = Some((asked, scene, texture));
            }
        }
        if self.drawn.as_ref().is_some_and(|(a, ..)| a == asked) {
            return;
        }
        let Some(meshes) = &self.meshes else {
            return;
        };
        let (scene, asked, ctx) = (scene(meshes), asked.clone(), ui.ctx().clone());
        let work = move |_: &mut dyn FnMut(()) -> ControlFlow<()>| {
            let picture = scene.draw(&asked.camera, asked.size_px, asked.quality);
            (asked, scene, picture)
        };
        match Job::spawn("picture in 3D", move || ctx.request_repaint(), work) {
            Ok(job) => self.drawing = Some(job),
            Err(error) => log::error!("no thread for a picture: {error}"),
        }
    }
}

/// The outlines of the visit before, where growth is to be shown and both are aligned.
fn earlier(state: &AppState, visit: &VisitState) -> Option<((VisitId, u64), Earlier)> {
    let at = state.visits.iter().position(|v| v.id == visit.id)?;
    let (prior, world_prior_from_world_visit) = state.prior()?;
    let before = state.visits.iter().position(|v| v.id == prior.id)? < at;
    if !(state.view.solid.growth && before && state.active == Some(visit.id)) {
        return None;
    }
    // Only what the assessment compares: dated, of one model and sequence.
    let assessment = state.assessment.as_ref()?.as_ref().ok()?;
    let change = assessment
        .changes
        .iter()
        .find(|c| Some(c.from) == prior.date && Some(c.to) == visit.date)?;
    if change.verdict == Verdict::NotComparable {
        return None;
    }
    let labels = Arc::clone(&prior.outlines.as_ref()?.labels);
    let name = (prior.id, prior.fill_revision);
    Some((name, (labels, world_prior_from_world_visit.inverse())))
}

fn of(visit: &VisitState, before: Option<&((VisitId, u64), Earlier)>) -> Of {
    let basis = (visit.outlines.as_ref()).is_some_and(|o| o.tumour.is_some());
    let before = before.map(|(name, _)| *name);
    (visit.id, visit.fill_revision, before, basis)
}

/// Surfaces of outlines; `None` where there is none, or it was stopped.
fn meshes(
    of: Of,
    labels: &LabelMap,
    before: Option<&Earlier>,
    observe: &mut Observe<'_>,
) -> Option<Meshes> {
    let meshes = surface_meshes(labels, observe)
        .inspect_err(|error| log::warn!("no surfaces: {error}"))
        .ok()?;
    let mut meshes: Vec<(Structure, Mesh)> = meshes;
    if let Some((earlier, world_later_from_world_earlier)) = before {
        let grown = growth_between(
            earlier,
            labels,
            *world_later_from_world_earlier,
            None,
            observe,
        );
        let (mesh, map) = grown
            .inspect_err(|error| log::warn!("no growth map: {error}"))
            .ok()??;
        let colours = ColourScale::growth_mm(GROWTH_MM).colours(&map.distance_mm);
        for (structure, old) in &mut meshes {
            if *structure == Structure::VestibularSchwannoma {
                *old = mesh.clone();
            }
        }
        return Some(Meshes {
            of,
            surfaces: meshes.into_iter().map(|(s, m)| (s, Arc::new(m))).collect(),
            tumour: Some(colours.into()),
            contact: None,
            compression: None,
            growth: Some(map),
        });
    }
    let mesh = |s: Structure| meshes.iter().find(|(m, _)| *m == s).map(|(_, m)| m);
    let both = mesh(Structure::VestibularSchwannoma).zip(mesh(Structure::Brainstem));
    let distances = both.and_then(|(tumour, brainstem)| signed_distances_mm(tumour, brainstem));
    let tumour = distances.map(|d| ColourScale::distance_mm(FAR_MM).colours(&d).into());
    Some(Meshes {
        of,
        surfaces: meshes.into_iter().map(|(s, m)| (s, Arc::new(m))).collect(),
        tumour,
        contact: None,
        compression: None,
        growth: None,
    })
}

impl Meshes {
    /// With the colours of contact and compression.
    fn with_evidence(mut self, basis: Option<&KoosBasis>) -> Self {
        let mesh = |s: Structure| {
            let found = self.surfaces.iter().find(|(of, _)| *of == s);
            found.map(|(_, mesh)| Arc::clone(mesh))
        };
        let Some(basis) = basis else {
            return self;
        };
        if let (Some(tumour), Some(colours)) = (mesh(Structure::VestibularSchwannoma), &self.tumour)
        {
            let [r, g, b, _] = super::koos::CONTACT.to_array();
            let touching = basis.is_in_contact(tumour.points());
            let marked = |(touches, colour): (bool, &[u8; 3])| {
                if touches { [r, g, b] } else { *colour }
            };
            if touching.iter().any(|t| *t) {
                let all = touching.into_iter().zip(colours.iter()).map(marked);
                self.contact = Some(all.collect());
            }
        }
        let brainstem = mesh(Structure::Brainstem);
        let depths = brainstem.and_then(|mesh| basis.compression_mm(&mesh));
        let scale = ColourScale::growth_mm(COMPRESSION_MM);
        self.compression = depths.map(|d| scale.colours(&d).into());
        self
    }
}

/// Shows the surfaces of a visit in a rectangle.
pub(in crate::app) fn solid_ui(
    ui: &mut Ui,
    rect: Rect,
    state: &AppState,
    visit: &VisitState,
    canvas: &mut Canvas,
    out: &mut Vec<Command>,
) {
    let id = ui.scope_id().with(("solid", visit.id.0));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    response.widget_info(|| {
        let words = format!("3D view of {}", visit.title());
        WidgetInfo::labeled(Role::Image, true, words)
    });
    let [r, g, b, _] = BACKGROUND;
    ui.painter()
        .rect_filled(rect, 0.0, Color32::from_rgb(r, g, b));
    canvas.solid.sync(ui, state, visit);
    let Some(meshes) = &canvas.solid.meshes else {
        let text = match (&visit.outlines, &canvas.solid.making) {
            (None, _) => "3D: no outlines yet",
            (_, Some(_)) => "3D: making the surfaces…",
            _ => "3D: nothing to show",
        };
        let font = FontId::proportional(14.0);
        words(
            &ui.painter_at(rect),
            rect.center(),
            Align2::CENTER_CENTER,
            text,
            &font,
            TEXT,
        );
        return;
    };
    let bare = scene_of(state, visit, meshes, None);
    let camera = state
        .view
        .solid
        .camera
        .unwrap_or_else(|| start(&bare, visit));
    let scale = f64::from(ui.ctx().pixels_per_point());
    let size_px = [rect.width(), rect.height()].map(|x| (f64::from(x) * scale).round().max(1.0));
    let moved = turn(ui, &response, camera, (size_px, scale), out);
    let asked = Asked {
        of: meshes.of,
        camera: moved.unwrap_or(camera),
        size_px: size_px.map(|n| n as u32),
        crosshair: visit.crosshair,
        frames: normals(state, visit),
        cut: state.view.solid.cut,
        lines: !state.view.lines_hidden && !state.view.hidden,
        koos: [state.view.koos.drawn, state.view.koos.compression],
        shown: Structure::ALL.map(|s| is_shown(state, s)),
        quality: if response.dragged() {
            Quality::Draft
        } else {
            Quality::Smooth
        },
    };
    let camera = asked.camera;
    canvas.solid.draw(ui, &asked, |meshes| {
        scene_of(state, visit, meshes, Some(&camera))
    });
    if let Some((shown, scene, texture)) = &canvas.solid.drawn {
        let whole = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
        ui.painter()
            .image(texture.id(), rect, whole, Color32::WHITE);
        if response.double_clicked() {
            out.push(Command::View(ViewCommand::SolidAlone(
                !state.view.solid.alone,
            )));
        } else if response.clicked()
            && let Some(at) = response.interact_pointer_pos()
        {
            let px = [at.x - rect.min.x, at.y - rect.min.y].map(|x| f64::from(x) * scale);
            if let Some(pick) = scene.pick(&shown.camera, shown.size_px, px) {
                out.push(Command::View(ViewCommand::Crosshair {
                    visit: visit.id,
                    point_in_world: pick.point,
                }));
            }
        }
    }
    draw_words(ui, rect, state, visit, (canvas, &camera));
    let painter = ui.painter_at(rect);
    super::koos::draw_solid(&painter, (rect, scale), (state, visit), &camera);
    let map = canvas.solid.meshes.as_ref().and_then(|m| m.growth.as_ref());
    menu(&response, state, (visit.id, camera), map, out);
}

/// From where the tumour is seen at first: from the front, large enough that everything about it is in the picture.
fn start(scene: &Scene, visit: &VisitState) -> Camera {
    let camera = scene.camera(ViewFrom::Front);
    let tumour = visit.outlines.as_ref().and_then(|o| {
        let tumour = Structure::VestibularSchwannoma;
        o.parts.iter().any(|(s, _)| *s == tumour).then_some(())
    });
    match tumour {
        Some(()) => camera.turned([0.0, 40.0], [600.0; 2]),
        None => camera,
    }
}

fn is_shown(state: &AppState, structure: Structure) -> bool {
    let style = state.view.style.structure(structure);
    !state.view.hidden && (style.contour || style.fill)
}

/// Directions across the three planes, in the order of [`Plane::ALL`].
fn normals(state: &AppState, visit: &VisitState) -> [glam::DVec3; 3] {
    Plane::ALL.map(|plane| {
        let view = state.slice_view(visit, plane, [100.0; 2]);
        view.frame.into_screen()
    })
}

/// What is drawn; planes and cuts as a camera sees them.
fn scene_of(
    state: &AppState,
    visit: &VisitState,
    meshes: &Meshes,
    camera: Option<&Camera>,
) -> Scene {
    let surface = |(structure, mesh): &(Structure, Arc<Mesh>)| {
        let tumour = *structure == Structure::VestibularSchwannoma;
        let inner = tumour || *structure == Structure::Cochlea;
        let view = &state.view.koos;
        // A map is read on an opaque surface, through what lies before it.
        let pressed = (meshes.compression.clone()).filter(|_| view.compression);
        let mapped = pressed.is_some() && *structure == Structure::Brainstem;
        let marked = (meshes.contact.clone()).filter(|_| view.drawn && tumour);
        let opaque = match pressed {
            Some(_) => mapped || *structure == Structure::Cochlea,
            None => inner,
        };
        Surface {
            mesh: Arc::clone(mesh),
            colour: state.view.style.structure(*structure).colour,
            point_colours: pressed
                .filter(|_| mapped)
                .or(marked)
                .or_else(|| meshes.tumour.clone().filter(|_| tumour)),
            opacity: if opaque || state.view.solid.cut {
                1.0
            } else {
                SHELL
            },
        }
    };
    let shown = meshes.surfaces.iter().filter(|(s, _)| is_shown(state, *s));
    let mut scene = Scene {
        surfaces: shown.map(surface).collect(),
        background: BACKGROUND,
        ..Scene::default()
    };
    let Some(camera) = camera else {
        return scene;
    };
    let point = visit.crosshair;
    let normals = normals(state, visit);
    if !state.view.lines_hidden && !state.view.hidden {
        let lines = Plane::ALL.into_iter().zip(normals);
        scene.lines = lines
            .map(|(plane, normal)| {
                let [r, g, b, _] = plane_colour(plane).to_array();
                PlaneLine {
                    point,
                    normal,
                    colour: [r, g, b],
                }
            })
            .collect();
    }
    if state.view.solid.cut {
        // The corner towards the viewer is taken out.
        let towards = -camera.frame.into_screen();
        let cuts = normals.map(|normal| Cut {
            point,
            hidden: normal * towards.dot(normal).signum(),
        });
        scene.cuts = cuts.to_vec();
        scene.cut_mode = CutMode::Corner;
    }
    scene
}

/// Left drag turns, middle drag (or left with Alt) moves, right drag and the wheel magnify. Where the camera is then.
fn turn(
    ui: &Ui,
    response: &Response,
    camera: Camera,
    (size_px, scale): ([f64; 2], f64),
    out: &mut Vec<Command>,
) -> Option<Camera> {
    let by = response.drag_delta();
    let by = [by.x, by.y].map(|x| f64::from(x) * scale);
    let alt = ui.input(|i| i.modifiers.alt);
    let left = response.dragged_by(PointerButton::Primary);
    let mut moved = camera;
    if response.dragged_by(PointerButton::Middle) || left && alt {
        moved = moved.panned(by, size_px);
    } else if response.dragged_by(PointerButton::Secondary) {
        let middle = size_px.map(|n| n / 2.0);
        moved = moved.zoomed((by[1] / 150.0).exp2(), middle, size_px);
    } else if left {
        moved = moved.turned(by, size_px);
    }
    if let Some(at) = response.hover_pos() {
        let notches = ui.input(|i| f64::from(i.smooth_scroll_delta().y) / 40.0);
        let pinch = ui.input(egui::InputState::zoom_delta);
        let factor = NOTCH.powf(notches) * f64::from(pinch);
        if (factor - 1.0).abs() > 1e-6 {
            let px = [at.x - response.rect.min.x, at.y - response.rect.min.y];
            moved = moved.zoomed(factor, px.map(|x| f64::from(x) * scale), size_px);
        }
    }
    (moved != camera).then(|| {
        out.push(Command::View(ViewCommand::SolidCamera(Some(moved))));
        moved
    })
}

/// Title, state, orientation and the scale of the colours.
fn draw_words(
    ui: &Ui,
    rect: Rect,
    state: &AppState,
    visit: &VisitState,
    (canvas, camera): (&Canvas, &Camera),
) {
    let painter = ui.painter_at(rect);
    let (head, small) = (FontId::proportional(14.0), FontId::proportional(12.0));
    let mut at = rect.left_top() + Vec2::new(8.0, 5.0);
    let mut line = |text: &str, font: &FontId, colour| {
        at = words(&painter, at, Align2::LEFT_TOP, text, font, colour).left_bottom();
    };
    line("3D", &head, TEXT);
    line(&visit.title(), &small, TEXT);
    if let Some(outlines) = &visit.outlines {
        let said = outlines.measured.finding.provenance.state;
        line(&said.to_string(), &small, CAUTION);
    }
    let before = earlier(state, visit);
    let now = of(visit, before.as_ref());
    let meshes = canvas.solid.meshes.as_ref();
    let current = meshes.is_some_and(|m| m.of == now);
    if !current {
        line(
            "surfaces of the outlines before; new ones are being made",
            &small,
            CAUTION,
        );
    }
    if state.view.solid.growth && before.is_none() {
        line(
            "no growth map: no aligned visit before that may be compared",
            &small,
            CAUTION,
        );
    }
    let growth = canvas.solid.meshes.as_ref().and_then(|m| m.growth.as_ref());
    if let Some(map) = growth {
        for text in growth_words(map) {
            line(&text, &small, TEXT);
        }
    }
    // The patient's directions, those that point to the viewer last.
    let middle = rect.right_bottom() + Vec2::new(-42.0, -42.0);
    for axis in camera.axes() {
        let end = middle + Vec2::new(axis.right as f32, axis.down as f32) * 26.0;
        let strong = if axis.into_screen <= 0.05 { 1.0 } else { 0.45 };
        let ink = TEXT.gamma_multiply(strong);
        painter.line_segment([middle, end], egui::Stroke::new(1.0, ink));
        let text = side_letter(axis.letter, sides_are_told(&visit.warnings)).to_string();
        let beyond = middle + Vec2::new(axis.right as f32, axis.down as f32) * 33.0;
        words(&painter, beyond, Align2::CENTER_CENTER, &text, &small, ink);
    }
    if let Some((position, _)) = (state.view.koos.surgeon).filter(|(_, c)| c == camera) {
        let text = format!("surgeon's view, retrosigmoid, patient {}", position.words());
        line(&text, &small, TEXT);
    }
    let pressed = meshes.is_some_and(|m| m.compression.is_some()) && state.view.koos.compression;
    if pressed && is_shown(state, Structure::Brainstem) {
        let scale = ColourScale::growth_mm(COMPRESSION_MM);
        let text = "brainstem: mm pressed in (+) or out";
        return draw_scale(&painter, rect, (&scale, text), &small);
    }
    let coloured = meshes.is_some_and(|m| m.tumour.is_some());
    if coloured && is_shown(state, Structure::VestibularSchwannoma) {
        let (scale, text) = if growth.is_some() {
            let text = "tumour: mm outwards since the visit before";
            (ColourScale::growth_mm(GROWTH_MM), text)
        } else {
            (
                ColourScale::distance_mm(FAR_MM),
                "tumour: mm to the brainstem",
            )
        };
        draw_scale(&painter, rect, (&scale, text), &small);
    }
    let hidden = Structure::ALL
        .iter()
        .filter(|s| !is_shown(state, **s))
        .count();
    if hidden == Structure::ALL.len() {
        let style = &state.view.style;
        let ink = colour(style, Structure::VestibularSchwannoma);
        words(
            &painter,
            rect.center(),
            Align2::CENTER_CENTER,
            "everything is hidden",
            &small,
            ink,
        );
    }
}

/// Where it grew, in words: the whole, then each direction with the volume that it gained.
fn growth_words(map: &GrowthMap) -> Vec<String> {
    let mut words = vec![format!(
        "mean {:+.1} mm, most {:+.1} mm; error {:.1} mm",
        map.mean_mm, map.largest_mm, map.detectable_mm
    )];
    let told = map.directions.iter().filter(|d| d.area_mm2 > 0.0);
    words.extend(told.filter_map(|d| {
        let name = d.direction?.name();
        Some(format!(
            "{name}: {:+.1} mm, {:+.0} mm³",
            d.mean_mm, d.volume_mm3
        ))
    }));
    words
}

/// The colours of distances, with numbers.
fn draw_scale(
    painter: &egui::Painter,
    rect: Rect,
    (scale, text): (&ColourScale, &str),
    font: &FontId,
) {
    const STEPS: usize = 60;
    let bar = Rect::from_min_size(
        rect.left_bottom() + Vec2::new(10.0, -34.0),
        Vec2::new(120.0, 8.0),
    );
    let [low, high] = scale.ends();
    for n in 0..STEPS {
        let part = |n: usize| bar.left() + bar.width() * n as f32 / STEPS as f32;
        let [r, g, b] = scale.colour(low + (high - low) * (n as f64 + 0.5) / STEPS as f64);
        let step = Rect::from_min_max(
            Pos2::new(part(n), bar.top()),
            Pos2::new(part(n + 1) + 0.5, bar.bottom()),
        );
        painter.rect_filled(step, 0.0, Color32::from_rgb(r, g, b));
    }
    for tick in scale.ticks(3) {
        let x = bar.left() + bar.width() * ((tick - low) / (high - low)) as f32;
        let at = Pos2::new(x, bar.bottom() + 2.0);
        words(
            painter,
            at,
            Align2::CENTER_TOP,
            &format!("{tick:.0}"),
            font,
            TEXT,
        );
    }
    let at = bar.left_top() + Vec2::new(0.0, -3.0);
    words(painter, at, Align2::LEFT_BOTTOM, text, font, TEXT);
}

/// The letter of a direction, or `?` for left and right where these are not known.
fn side_letter(letter: char, sides_told: bool) -> char {
    if !sides_told && matches!(letter, 'L' | 'R') {
        '?'
    } else {
        letter
    }
}

/// From where a view looks, in words that name no side where left and right are not known.
fn look_words(from: ViewFrom, sides_told: bool) -> &'static str {
    match from {
        ViewFrom::Right if !sides_told => "from one side (left or right is not known)",
        ViewFrom::Left if !sides_told => "from the other side (left or right is not known)",
        _ => from.words(),
    }
}

/// What can be done with the view, on the right button.
fn menu(
    response: &Response,
    state: &AppState,
    (visit, camera): (VisitId, Camera),
    growth_map: Option<&GrowthMap>,
    out: &mut Vec<Command>,
) {
    let told = state
        .visit(visit)
        .is_none_or(|v| sides_are_told(&v.warnings));
    response.context_menu(|ui| {
        let mut item = |ui: &mut Ui, on: bool, text: String, command: ViewCommand| {
            if ui.selectable_label(on, text).clicked() {
                out.push(Command::View(command));
                ui.close();
            }
        };
        for from in ViewFrom::ALL {
            let text = format!("Look {}", look_words(from, told));
            let facing = ViewCommand::SolidCamera(Some(camera.facing(from)));
            item(ui, false, text, facing);
        }
        let whole = ViewCommand::SolidCamera(None);
        item(ui, false, "Show everything".to_owned(), whole);
        let solid = &state.view.solid;
        let cut = ViewCommand::SolidCut(!solid.cut);
        item(ui, solid.cut, "Cut by the planes".to_owned(), cut);
        let growth = ViewCommand::SolidGrowth(!solid.growth);
        item(
            ui,
            solid.growth,
            "Growth since the visit before".to_owned(),
            growth,
        );
        if let Some(map) = growth_map {
            let to = ViewCommand::Crosshair {
                visit,
                point_in_world: glam::DVec3::from(map.largest_at_ras_mm),
            };
            item(ui, false, "Go to the largest growth".to_owned(), to);
        }
        let text = if solid.alone {
            "All planes"
        } else {
            "3D alone"
        };
        item(
            ui,
            false,
            text.to_owned(),
            ViewCommand::SolidAlone(!solid.alone),
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surfaces_name_no_side_where_left_and_right_are_not_known() {
        let letters = |told| ['R', 'L', 'A', 'S'].map(|letter| side_letter(letter, told));
        assert_eq!(letters(false), ['?', '?', 'A', 'S']);
        assert_eq!(letters(true), ['R', 'L', 'A', 'S']);
        for from in ViewFrom::ALL {
            let words = look_words(from, false);
            assert!(!["from the right", "from the left"].contains(&words));
            assert_eq!(look_words(from, true), from.words());
        }
    }
}
