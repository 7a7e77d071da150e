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
    Real data as sequences.

And the leaves, which nothing above imports:

``lesson``
    What the notebooks use to show packaged source, check the installation, compare predictions.
``figures``
    Arrays in, figure out.
``gradient_figures``
    The same for the growth and the decay of gradients.
``explore``
    A figure with sliders: what decides how fast a gradient grows or fades.

Import from the module itself, for example ``from rnncourse.cell import step``.
"""

__version__ = "0.1.0"
