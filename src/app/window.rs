//! The window's frame: work that has ended, keys, panels, planes.
use super::{
    apply::{apply, next_task},
    assess::{no_report, reportable},
    command::{Command, PatientCommand, VisitCommand, WorkCommand},
    dialog::{Dialog, Purpose},
    job::Job,
    keeper::{Answer, Keeper},
    keys, panel,
    preferences::Preferences,
    recent,
    rescue::Rescue,
    screenshot::{Screenshot, Target},
    state::{AppState, Kept, Message, VisitId},
    task::{EarlyOutlines, Outcome, Task},
    view::{Canvas, Gpu, Wheel, events_per_notch, run_cine, show_planes},
};
use crate::volume::{Progress, sides_are_told};
use egui::{CentralPanel, Context, Frame, Panel, Ui};
use egui_wgpu::RenderState;
use std::{
    cell::RefCell,
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How often a window looks after work whose end cannot wake it (a thread ends after its last word).
const POLL: Duration = Duration::from_millis(100);

/// Least and greatest height of the strip below compared planes, points: a chart that can be read.
const GROWTH_HEIGHT: [f32; 2] = [200.0, 400.0];

/// What background work says before its end.
#[derive(Debug)]
enum Event {
    Progress(Progress),
    Early(EarlyOutlines),
}

/// The window.
#[derive(Debug)]
pub struct App {
    state: AppState,
    canvas: Canvas,
    job: Option<Job<Event, Outcome>>,
    dialog: Option<Dialog>,
    panels: panel::Panels,
    screenshot: Screenshot,
    rescue: Rescue,
    /// Writes the patient's folder; begun with the first change.
    keeper: Option<Keeper>,
    /// Where the work goes when the graphics device is lost; the window stays open without.
    handover: Option<Handover>,
    leaving: bool,
}

/// Work on its way from a window that can draw no more to the next one.
pub(super) type Handover = Arc<Mutex<Option<Work>>>;

/// What outlives a window: the state, and the journals that are being written.
#[derive(Debug)]
pub(super) struct Work {
    state: AppState,
    rescue: Rescue,
    keeper: Option<Keeper>,
}

/// Name of the preferences among what is kept between runs.
const PREFERENCES: &str = "preferences";

impl App {
    /// A window on scans, or on the demo patient when there is no path. Without a render state the processor draws the slices.
    ///
    /// `kept` are the preferences as the last window left them.
    pub fn new(
        ctx: &Context,
        render_state: Option<&RenderState>,
        kept: Option<&dyn eframe::Storage>,
        paths: Vec<PathBuf>,
    ) -> Self {
        panel::style(ctx);
        let mut state = AppState::default();
        let kept = kept.and_then(|storage| storage.get_string(PREFERENCES));
        state.preferences = Preferences::from_text(&kept.unwrap_or_default());
        state.view.tool = state.preferences.mouse.tool();
        state.view.style.patterns = state.preferences.patterns;
        let dir = eframe::storage_dir(super::start::NAME);
        state.journals = dir.as_ref().map(|dir| dir.join("journals"));
        state.school.records = dir.as_ref().map(|dir| dir.join("school"));
        state.recent_file = dir.map(|dir| dir.join("recent.json"));
        state.recent = state
            .recent_file
            .as_deref()
            .map_or_else(Vec::new, recent::read);
        if paths.is_empty() {
            apply(&mut state, Command::Work(WorkCommand::Demo));
        }
        for path in paths {
            apply(&mut state, Command::Work(WorkCommand::Open(path)));
        }
        let mut app = Self::with_state(render_state, state);
        app.canvas.wheel = Wheel::new(events_per_notch());
        app
    }

    /// A window on the work of one whose graphics device was lost.
    pub(super) fn resumed(ctx: &Context, render_state: Option<&RenderState>, work: Work) -> Self {
        panel::style(ctx);
        let Work {
            mut state,
            rescue,
            keeper,
        } = work;
        let stopped = state.work.running.take().map_or_else(String::new, |task| {
            format!(" {} was stopped: begin it again.", task.name)
        });
        let text = format!(
            "The graphics adapter was lost, and the window was opened anew with the work.{stopped}"
        );
        apply(
            &mut state,
            Command::Work(WorkCommand::Tell(Message::error(text))),
        );
        let mut app = Self::with_state(render_state, state);
        app.rescue = rescue;
        app.keeper = keeper;
        app.canvas.wheel = Wheel::new(events_per_notch());
        app
    }

    /// Hands the work over when the graphics device is lost.
    #[must_use]
    pub(super) fn with_handover(mut self, handover: Handover) -> Self {
        self.handover = Some(handover);
        self
    }

    /// A window on a state.
    pub fn with_state(render_state: Option<&RenderState>, state: AppState) -> Self {
        let rescue = Rescue::new(state.journals.clone());
        Self {
            state,
            canvas: Canvas::new(Gpu::new(render_state), Wheel::new(1.0)),
            job: None,
            dialog: None,
            panels: panel::Panels::default(),
            screenshot: Screenshot::default(),
            rescue,
            keeper: None,
            handover: None,
            leaving: false,
        }
    }

    /// What the window shows.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Takes in what background work has to say and begins what waits.
    fn work(&mut self, ctx: &Context) {
        if let Some(job) = &mut self.job {
            if self
                .state
                .work
                .running
                .as_ref()
                .is_some_and(|r| r.cancelling)
            {
                job.cancel();
            }
            let ended = job.poll();
            let mut progress = None;
            for event in job.events() {
                match event {
                    Event::Progress(p) => progress = Some(p),
                    Event::Early(outlines) => {
                        apply(&mut self.state, Command::Work(WorkCommand::Early(outlines)));
                    }
                }
            }
            if let Some(progress) = progress {
                apply(
                    &mut self.state,
                    Command::Work(WorkCommand::Progressed(progress)),
                );
            }
            if let ControlFlow::Break(outcome) = ended {
                self.job = None;
                apply(&mut self.state, Command::Work(WorkCommand::Ended(outcome)));
            }
        }
        if self.job.is_none()
            && let Some(task) = next_task(&mut self.state)
        {
            self.begin(ctx, task);
        }
        if let Some(commands) = self.dialog.as_mut().and_then(Dialog::poll) {
            self.dialog = None;
            for command in commands {
                apply(&mut self.state, command);
            }
            ctx.request_repaint();
        }
        if self.handover.is_some() && self.canvas.gpu.is_lost() && !self.leaving {
            log::error!("the graphics device was lost; the window opens anew");
            self.leaving = true;
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        if let Some(text) = self.canvas.gpu.failure().filter(|_| !self.leaving) {
            let message = Message::error(text);
            apply(&mut self.state, Command::Work(WorkCommand::Tell(message)));
            ctx.request_repaint();
        }
        for (visit, note) in std::mem::take(&mut self.state.notes) {
            self.rescue.note(visit, note);
        }
        if let Some(text) = self.rescue.trouble() {
            let message = Message::error(text);
            apply(&mut self.state, Command::Work(WorkCommand::Tell(message)));
        }
        self.keep(ctx);
        self.finish_screenshot(ctx);
        self.canvas.gpu.sync(ctx, &self.state);
        if self.job.is_some() || self.dialog.is_some() || self.canvas.gpu.busy() {
            ctx.request_repaint_after(POLL);
        }
    }

    /// Hands over what the patient's folder must learn, and takes its answers.
    fn keep(&mut self, ctx: &Context) {
        let changes = std::mem::take(&mut self.state.changes);
        if self.keeper.is_none() && !changes.is_empty() {
            let waker = ctx.clone();
            self.keeper = Keeper::new(move || waker.request_repaint());
        }
        let by = self.state.reader();
        let mut failed = Vec::new();
        for change in changes {
            let visit = change.outlines_of();
            let handed = match &self.keeper {
                Some(keeper) => keeper.change(change, &by),
                None => Err("The system gives no thread to write the patient's folder.".to_owned()),
            };
            failed.extend(handed.err().map(|text| (visit, text)));
        }
        failed.dedup();
        let keeper = self.keeper.iter();
        let answers: Vec<_> = keeper
            .flat_map(|keeper| std::iter::from_fn(move || keeper.answer()))
            .collect();
        for (visit, text) in failed {
            // What the folder does not learn of outlines must not be taken for saved.
            let command = match visit {
                Some(id) => Command::Patient(PatientCommand::Answered(Answer::NotSaved(id, text))),
                None => Command::Work(WorkCommand::Tell(Message::error(text))),
            };
            apply(&mut self.state, command);
        }
        for answer in answers {
            let answered = PatientCommand::Answered(answer);
            apply(&mut self.state, Command::Patient(answered));
        }
    }

    /// What a picture of the window is for, once it has come.
    fn finish_screenshot(&mut self, ctx: &Context) {
        match self.screenshot.taken() {
            Some((image, Target::Clipboard)) => {
                ctx.copy_image((*image).clone());
                let told = Message {
                    error: false,
                    text: "A picture of the window is in the clipboard.".to_owned(),
                };
                apply(&mut self.state, Command::Work(WorkCommand::Tell(told)));
            }
            Some((image, Target::File)) => self.ask(ctx, Purpose::SavePicture(image)),
            None => {}
        }
    }

    fn begin(&mut self, ctx: &Context, task: Task) {
        let waker = ctx.clone();
        let job = Job::spawn(
            "work",
            move || waker.request_repaint(),
            move |send| {
                let send = RefCell::new(send);
                task.run_showing(
                    &mut |early| (send.borrow_mut())(Event::Early(early)),
                    &mut |progress| (send.borrow_mut())(Event::Progress(progress)),
                )
            },
        );
        match job {
            Ok(job) => self.job = Some(job),
            Err(error) => {
                let failed =
                    Outcome::Failed(format!("The system gives no thread for this work: {error}"));
                apply(
                    &mut self.state,
                    Command::Work(WorkCommand::Ended(Some(failed))),
                );
            }
        }
    }

    /// Files dropped on the window.
    fn dropped(ctx: &Context, out: &mut Vec<Command>) {
        let paths: Vec<PathBuf> = ctx.input(|i| {
            i.raw
                .dropped_files
                .iter()
                .map(|f| f.path().to_path_buf())
                .collect()
        });
        out.extend(
            paths
                .into_iter()
                .map(|path| Command::Work(WorkCommand::Open(path))),
        );
    }

    fn ask(&mut self, ctx: &Context, purpose: Purpose) {
        if self.dialog.is_none() {
            self.dialog = Dialog::open(ctx, purpose);
        }
    }

    /// Whether the patient's folder takes the outlines of a visit.
    fn keeps(&self, visit: Option<VisitId>) -> bool {
        let visit = visit.and_then(|id| self.state.visit(id));
        let patient = self.state.patient.as_ref();
        visit.is_some_and(|v| v.kept != Kept::No && v.outlines.is_some())
            && patient.is_some_and(|p| p.read_only.is_none())
    }

    fn wish(&mut self, ctx: &Context, wish: panel::Wish) {
        let active = self.state.active_visit();
        match wish {
            panel::Wish::OpenScans => self.ask(ctx, Purpose::OpenScans),
            panel::Wish::NextView(by) => self.canvas.next_view(&self.state, by),
            panel::Wish::NewPatient => self.ask(ctx, Purpose::NewPatient),
            panel::Wish::OpenPatient => self.ask(ctx, Purpose::OpenPatient),
            panel::Wish::OpenModel => self.ask(ctx, Purpose::OpenModel),
            panel::Wish::OpenCases => self.ask(ctx, Purpose::OpenCases),
            panel::Wish::ExportAnswers => self.ask(ctx, Purpose::ExportAnswers),
            panel::Wish::Dicom(place) => self.ask(ctx, Purpose::Dicom(place)),
            panel::Wish::OpenLabels => {
                if let Some(visit) = active.map(|v| v.id) {
                    self.ask(ctx, Purpose::OpenLabels(visit));
                }
            }
            panel::Wish::SaveLabels if self.keeps(active.map(|v| v.id)) => {
                let save = active.map(|v| Command::Patient(PatientCommand::Save(v.id)));
                if let Some(save) = save {
                    apply(&mut self.state, save);
                }
            }
            panel::Wish::SaveLabels => {
                if let Some((visit, outlines)) =
                    active.and_then(|v| Some((v, v.outlines.as_ref()?)))
                {
                    let labels = Arc::clone(&outlines.labels);
                    let told = sides_are_told(&visit.warnings);
                    let purpose = Purpose::SaveLabels(visit.id, visit.revision, labels, told);
                    self.ask(ctx, purpose);
                }
            }
            panel::Wish::SaveReport if reportable(&self.state) => match no_report(&self.state) {
                None => self.ask(ctx, Purpose::SaveReport),
                Some(text) => {
                    let told = Message { error: false, text };
                    apply(&mut self.state, Command::Work(WorkCommand::Tell(told)));
                }
            },
            panel::Wish::SaveReport => {}
            panel::Wish::SaveScreenshot => self.screenshot.take(ctx, Target::File),
            panel::Wish::CopyScreenshot => self.screenshot.take(ctx, Target::Clipboard),
            panel::Wish::FullScreen => {
                let full = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
            }
        }
    }

    /// Everything in the window.
    fn show(&mut self, ui: &mut Ui, out: &mut Vec<Command>) -> Vec<panel::Wish> {
        let mut wishes = Vec::new();
        let state = &self.state;
        Panel::top("toolbar").show(ui, |ui| panel::toolbar_ui(ui, state, out, &mut wishes));
        Panel::bottom("status").show(ui, |ui| panel::status_ui(ui, state, &self.canvas, out));
        if !state.messages.is_empty() {
            Panel::bottom("messages").show(ui, |ui| panel::messages_ui(ui, state, out));
        }
        let panels = &mut self.panels;
        Panel::left("patient")
            .default_size(250.0)
            .size_range(210.0..=420.0)
            .show(ui, |ui| {
                panel::patient_ui(ui, state, panels, out, &mut wishes);
            });
        Panel::right("findings")
            .default_size(320.0)
            .size_range(240.0..=520.0)
            .show(ui, |ui| {
                if state.school.open {
                    panel::school_ui(ui, state, panels, out, &mut wishes);
                } else {
                    panel::findings_ui(ui, state, out);
                }
            });
        let alone = state.view.maximised.is_some() || state.view.solid.alone;
        if state.visits.len() > 1 && !alone {
            Panel::bottom("growth")
                .default_size(GROWTH_HEIGHT[0])
                .size_range(GROWTH_HEIGHT[0]..=GROWTH_HEIGHT[1])
                .resizable(true)
                .show(ui, |ui| panel::growth_ui(ui, state, out));
        }
        let canvas = &mut self.canvas;
        canvas.keys_taken = panels.takes_keys();
        // Planes cover what is behind them: filling it would be drawn for nothing.
        let behind = if state.visits.is_empty() {
            Frame::new().fill(egui::Color32::from_gray(14))
        } else {
            Frame::NONE
        };
        CentralPanel::default().frame(behind).show(ui, |ui| {
            if state.visits.is_empty() {
                panel::welcome_ui(ui, state);
            } else {
                show_planes(ui, state, canvas, out);
            }
        });
        panel::shortcuts_ui(ui.ctx(), state, panels, out);
        panel::meaning_ui(ui.ctx(), state, out);
        panel::series_ui(ui.ctx(), state, panels, out);
        panel::dicom_ui(ui.ctx(), state, out, &mut wishes);
        wishes
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.work(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        // Without its device whatever is drawn would end the program.
        if self.leaving {
            return;
        }
        let ctx = ui.ctx().clone();
        let mut out = Vec::new();
        Self::dropped(&ctx, &mut out);
        // Setting them to what they are costs nothing.
        ctx.set_theme(self.state.preferences.theme.of_egui());
        ctx.set_zoom_factor(self.state.preferences.scale());
        run_cine(&ctx, &self.state, &mut self.canvas, &mut out);
        let mut wishes = keys::keys(&ctx, &self.state, &self.canvas, &mut out);
        wishes.extend(self.show(ui, &mut out));
        release_focus(&ctx);
        if !out.is_empty() {
            // What was drawn shows the state before.
            ctx.request_repaint();
        }
        for command in out {
            if let Command::Visit(VisitCommand::Remove(_)) = &command {
                self.canvas.hovered = None;
            }
            apply(&mut self.state, command);
        }
        for wish in wishes {
            self.wish(&ctx, wish);
        }
        self.work(&ctx);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        storage.set_string(PREFERENCES, self.state.preferences.to_text());
    }

    fn on_exit(&mut self) {
        if let Some(handover) = self.handover.as_ref().filter(|_| self.leaving) {
            let work = Work {
                state: std::mem::take(&mut self.state),
                rescue: std::mem::replace(&mut self.rescue, Rescue::new(None)),
                keeper: self.keeper.take(),
            };
            let mut place = handover.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some(work);
        }
    }

    fn persist_egui_memory(&self) -> bool {
        // Text fields would be saved: no patient data in preferences.
        false
    }
}

/// Takes the keyboard back from a button that was clicked, so that arrow keys go to the slices again. Text fields keep it, and so does what was
/// reached by Tab.
fn release_focus(ctx: &Context) {
    if ctx.input(|i| i.pointer.any_click()) && !ctx.text_edit_focused() {
        ctx.memory_mut(|memory| {
            if let Some(id) = memory.focused() {
                memory.surrender_focus(id);
            }
        });
    }
}

impl Message {
    /// A message about something that failed.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            error: true,
            text: text.into(),
        }
    }
}
