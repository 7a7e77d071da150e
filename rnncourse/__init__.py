"""rnncourse: how recurrent networks are trained, as code that is read and tested.

The modules, in the order of the course. Each imports only from those above it:

``validation``
    The check at every boundary: its messages say what was expected and what to do.
``cell``
    One time step: parameters, activations, ``step``.
``unroll``
    T steps, with everything remembered that the backward sweep needs.
``losses``
    Losses over a sequence and their gradient at the outputs.
``gradcheck``
    Numerical derivatives, and a report of where two gradients differ.
``bptt``
    Back-propagation through time: the sweep, the double sum, truncated, checkpointed.
``jacobians``
    Step Jacobians, their products over many steps, what each lag adds to the gradient.
``powers``
    Powers of one matrix: spectral radius against norm.
``bounds``
    Bounds of a product's norm from above and below, each with its condition.
``dynamics``
    The long run: Lyapunov exponents, mean field, echo states.
``leaky``
    Leaky units, whose Jacobian stays near the identity.
``cliff``
    One unit whose loss is flat, then a wall, then flat.
``tasks``
    Real data as sequences, with their losses and what simple guesses score.
``synthetic_tasks``
    Made-up tasks that need a long memory: adding, copying, temporal order, latch.
``clipping``
    Clipping by norm and by value, and gradients that are not finite.
``schedules``
    Learning rates that change from step to step.
``optim``
    SGD, momentum, RMSProp, Adam, AdamW: parameters and state in, parameters and state out.
``models``
    What is trained: the NumPy network, and any torch module, behind the same methods.
``history``
    What a training run leaves behind, step by step and epoch by epoch.
``checkpoints``
    A file that holds a run: written whole or not at all, read without pickle.
``progress``
    A bar that leaves nothing behind.
``training``
    The one training loop: validation, early stopping, divergence, checkpoint and resume.
``study``
    A hyper-parameter study: settings times seeds, in parallel, resumable.
``initialisation``
    Starting weights: scaled, orthogonal, identity; forget-gate and chrono biases.
``truncation``
    Influence balancing, where truncated gradients point the wrong way, and a random unbiased cut.
``dropout``
    Units left out: at every step, between layers, one mask per sequence; zoneout.
``normalisation``
    Layer norm and batch norm, forward and backward.
``normalised_rnn``
    Layer norm and batch norm inside the recurrence: states, gradients, running statistics.
``regularisation``
    The Omega term, which asks the backward signal to keep its norm.
``lstm``
    Long short-term memory, forward and backward.
``cell_path``
    The LSTM's path of forget gates, its true Jacobians beside it, time constants.
``gru``
    The gated recurrent unit in both reset conventions, forward and backward.
``ablation``
    Each technique with and without, on three tasks, over seeds.
``ctrnn_weights``
    Weights under constraints: signs, absent and frozen connections.
``ctrnn_sweep``
    All steps of a continuous-time network, and their adjoint.
``ctrnn``
    The continuous-time network as a torch module.
``loss_terms``
    One pure function for each term on the error, the weights, the rates.
``composite_loss``
    These terms weighed and added, each at hand by its name.
``term_report``
    How much each term is and pulls, how far the terms agree, and weight decay that doubles one.
``decision_task``
    Which of two noisy inputs is stronger: trials with fixation, stimulus and decision.

And the leaves, which nothing above imports:

``lesson``
    What the notebooks use to show packaged source, check the installation, compare predictions.
``figures``
    Arrays in, figure out.
``gradient_figures``
    The same for the growth and the decay of gradients.
``training_figures``
    The same for training: histories, regimes, studies, tasks, forecasts.
``trick_figures``
    The same for tricks and gated cells: contributions, masks, gates, who solved what.
``composite_figures``
    The same for the composite loss: terms, rates, trajectories, the psychometric curve.
``explore``
    A figure with sliders: what decides how fast a gradient grows or fades.
``checks``
    The examiner of the exercises: what holds, what does not, and which mistake it is.

Import from the module itself, for example ``from rnncourse.cell import step``.
"""

__version__ = "0.1.0"
